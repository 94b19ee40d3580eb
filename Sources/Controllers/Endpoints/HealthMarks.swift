import KubeModel

/// What health checks have taken from the endpoints of a slice, and how it is given back. Pure.
///
/// A marked endpoint is neither ready nor serving, and the slice's annotation keeps the conditions that its author gave
/// it. So everybody who reads slices follows; whoever writes a slice (the endpoints controllers, or the check once it is
/// deleted) finds in the slice itself what it was, and a controller that starts again finds what it had found. A mark
/// only ever takes away: what its author calls not ready stays so.
enum HealthMarks {
    /// On a slice: a JSON array of the endpoints that a health check holds to be unhealthy.
    static let annotation = "traffic.martlet.dev/unhealthy-endpoints"

    /// One endpoint that is marked, with the conditions that its author gave it.
    private struct Mark {
        var address: String
        var ready: Bool?
        var serving: Bool?
    }

    /// The first addresses of endpoints that are marked, those that have been rewritten meanwhile too.
    static func addresses(of slice: EndpointSlice) -> Set<String> { Set(marks(of: slice).map(\.address)) }

    /// The slice as its author wants it. An endpoint whose conditions are no longer as a mark left them has been
    /// rewritten by its author since, who has the last word.
    static func unmarked(_ slice: EndpointSlice) -> EndpointSlice {
        guard slice.metadata.annotations?[annotation] != nil else { return slice }
        var left = Dictionary(grouping: marks(of: slice), by: \.address)
        var result = slice
        result.endpoints = slice.endpoints?.map { endpoint in
            guard let address = endpoint.addresses?.first, let mark = left[address]?.first else { return endpoint }
            left[address]?.removeFirst()
            guard let conditions = endpoint.conditions, conditions.ready == false, conditions.serving == false else {
                return endpoint
            }
            var given = conditions
            given.ready = mark.ready
            given.serving = mark.serving
            var restored = endpoint
            restored.conditions = given == EndpointConditions() ? nil : given
            return restored
        }
        result.metadata.annotations?[annotation] = nil
        if result.metadata.annotations?.isEmpty == true { result.metadata.annotations = nil }
        return result
    }

    /// The slice with exactly these endpoints marked.
    ///
    /// - Parameters:
    ///   - slice: without marks, see ``unmarked(_:)``.
    ///   - unhealthy: first addresses of endpoints.
    static func marked(_ slice: EndpointSlice, _ unhealthy: Set<String>) -> EndpointSlice {
        guard !unhealthy.isEmpty else { return slice }
        var marks: [Mark] = []
        var result = slice
        result.endpoints = slice.endpoints?.map { endpoint in
            guard let address = endpoint.addresses?.first, unhealthy.contains(address) else { return endpoint }
            let given = endpoint.conditions
            if given?.ready == false, given?.serving == false { return endpoint }
            marks.append(Mark(address: address, ready: given?.ready, serving: given?.serving))
            var taken = endpoint
            taken.conditions = given ?? EndpointConditions()
            taken.conditions?.ready = false
            taken.conditions?.serving = false
            return taken
        }
        guard !marks.isEmpty else { return slice }
        result.metadata.annotations = (slice.metadata.annotations ?? [:]).merging([annotation: text(marks)]) { $1 }
        return result
    }

    /// A plan for slices that one owner writes whole: their marks are no difference, and endpoints keep theirs, in
    /// whichever slice they end up. An address with ports that it has not had yet has the mark that it had with others.
    ///
    /// - Parameter plan: gets the slices as if nothing were marked.
    static func keep(in existing: [EndpointSlice], plan: ([EndpointSlice]) -> SlicePlan) -> SlicePlan {
        var byPorts: [Set<EndpointPort>: (known: Set<String>, marked: Set<String>)] = [:]
        var unhealthy: Set<String> = []
        for slice in existing {
            let marked = addresses(of: slice)
            let known = (slice.endpoints ?? []).compactMap { $0.addresses?.first }
            byPorts[Set(slice.ports ?? []), default: ([], [])].known.formUnion(known)
            byPorts[Set(slice.ports ?? []), default: ([], [])].marked.formUnion(marked)
            unhealthy.formUnion(marked)
        }
        guard !unhealthy.isEmpty else { return plan(existing) }
        func withMarks(_ slice: EndpointSlice) -> EndpointSlice {
            let (known, marked) = byPorts[Set(slice.ports ?? [])] ?? ([], [])
            return self.marked(slice, unhealthy.subtracting(known).union(marked))
        }
        var result = plan(existing.map(unmarked))
        result.create = result.create.map(withMarks)
        result.update = result.update.map(withMarks)
        return result
    }

    /// The operations (RFC 6902) that lead from one form of a slice to another that differs in conditions and this
    /// annotation alone, provided that nobody has written it since; nil when there is nothing to do. Fields that we do
    /// not know are not touched.
    static func patch(from old: EndpointSlice, to new: EndpointSlice) -> JSONValue? {
        var operations: [JSONValue] = []
        for (index, (before, after)) in zip(old.endpoints ?? [], new.endpoints ?? []).enumerated()
        where before.conditions != after.conditions {
            let path = "/endpoints/\(index)/conditions"
            guard let conditions = after.conditions else {
                operations.append(["op": "remove", "path": .string(path)])
                continue
            }
            var value: JSONValue = [:]
            if let ready = conditions.ready { value["ready"] = .bool(ready) }
            if let serving = conditions.serving { value["serving"] = .bool(serving) }
            if let terminating = conditions.terminating { value["terminating"] = .bool(terminating) }
            operations.append(["op": "add", "path": .string(path), "value": value])
        }
        let path = "/metadata/annotations"
        let (before, after) = (old.metadata.annotations?[annotation], new.metadata.annotations?[annotation])
        if before != after {
            let place = JSONValue.string(path + "/" + annotation.replacing("/", with: "~1"))
            switch after {
            case nil: operations.append(["op": "remove", "path": place])
            case let text? where old.metadata.annotations == nil:
                operations.append(["op": "add", "path": .string(path), "value": [annotation: .string(text)]])
            case let text?: operations.append(["op": "add", "path": place, "value": .string(text)])
            }
        }
        guard !operations.isEmpty else { return nil }
        let version = JSONValue.string(old.metadata.resourceVersion ?? "")
        return .array([["op": "replace", "path": "/metadata/resourceVersion", "value": version]] + operations)
    }

    private static func marks(of slice: EndpointSlice) -> [Mark] {
        guard let text = slice.metadata.annotations?[annotation],
            case .array(let marks)? = try? JSONParser.parse(Array(text.utf8))  // Somebody else's text marks nothing.
        else { return [] }
        return marks.compactMap { mark in
            mark["address"].string.map { Mark(address: $0, ready: mark["ready"].bool, serving: mark["serving"].bool) }
        }
    }

    private static func text(_ marks: [Mark]) -> String {
        let values = marks.map { mark -> JSONValue in
            var value: JSONValue = ["address": .string(mark.address)]
            if let ready = mark.ready { value["ready"] = .bool(ready) }
            if let serving = mark.serving { value["serving"] = .bool(serving) }
            return value
        }
        return String(decoding: JSONValue.array(values).encoded(), as: UTF8.self)
    }
}
