import KubeModel
import NetworkTypes
import Testing

@testable import APIResources

/// Runs a strategy in the order in which the request path does, with a map as the store.
struct StrategyFixture {
    let strategy: any ResourceStrategy

    /// What became of a write: the document as stored, or every refusal as `field: message`.
    enum Outcome: Equatable {
        case stored(JSONValue)
        case refused([String])

        var document: JSONValue? {
            if case .stored(let document) = self { document } else { nil }
        }
        var refusals: [String] {
            if case .refused(let messages) = self { messages } else { [] }
        }
    }

    func context(_ object: JSONValue) -> StrategyContext {
        StrategyContext(
            namespace: object["metadata"]["namespace"].string ?? "", name: object["metadata"]["name"].string ?? "",
            now: Timestamp(secondsSinceEpoch: 1_700_000_000))
    }

    func create(_ object: JSONValue) -> Outcome {
        var object = object
        strategy.prepareForCreate(&object, context(object))
        strategy.fillIn(&object, context(object))
        return finish(object, strategy.validateCreate(object, context(object)), nil)
    }

    func update(_ object: JSONValue, from old: JSONValue) -> Outcome {
        var object = object
        strategy.prepareForUpdate(&object, from: old, context(object))
        return finish(object, strategy.validateUpdate(object, from: old, context(object)), old)
    }

    func updateStatus(_ object: JSONValue, from old: JSONValue) -> Outcome {
        var object = object
        strategy.prepareForStatusUpdate(&object, from: old, context(object))
        let errors = strategy.validateStatusUpdate(object, from: old, context(object))
        return errors.isEmpty ? .stored(object) : .refused(errors.map(\.message))
    }

    private func finish(_ object: JSONValue, _ errors: [FieldError], _ old: JSONValue?) -> Outcome {
        guard errors.isEmpty else { return .refused(errors.map(\.message)) }
        var object = object
        do {
            try strategy.allocate(&object, replacing: old, context(object))?.commit()
            return .stored(object)
        } catch {
            let causes = (error.details?.causes ?? []).map { "\($0.field ?? ""): \($0.message ?? "")" }
            return .refused(error.code == 422 ? causes : [error.message ?? ""])
        }
    }
}

/// Addresses and the strategy of Services over them.
struct ServiceFixture {
    let allocations: ServiceAllocations
    let fixture: StrategyFixture

    init(_ ranges: [String] = ["10.0.0.0/24"], nodePorts: ClosedRange<UInt16> = 30000...32767) throws {
        let cidrs = try ranges.map { try #require(CIDR($0)) }
        let ranges = AllocationRanges(serviceCIDRs: cidrs, nodePorts: nodePorts)
        allocations = try ServiceAllocations(ranges: ranges)
        fixture = StrategyFixture(
            strategy: ServiceStrategy(allocations: allocations, addressRule: EndpointAddressRule(ranges: ranges)))
    }

    func create(_ object: JSONValue) -> StrategyFixture.Outcome { fixture.create(object) }
    func update(_ object: JSONValue, from old: JSONValue) -> StrategyFixture.Outcome {
        fixture.update(object, from: old)
    }
}

/// A Service with one TCP port 80 and these fields of `spec` besides; nil takes a field away.
func service(_ name: String = "web", _ fields: [String: JSONValue?] = [:]) -> JSONValue {
    var spec: JSONObject = ["selector": ["app": "web"], "ports": [["port": 80]]]
    for (key, value) in fields { spec[key] = value }
    return [
        "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name), "namespace": "default"],
        "spec": .object(spec),
    ]
}
