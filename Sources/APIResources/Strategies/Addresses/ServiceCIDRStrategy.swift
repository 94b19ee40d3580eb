package import KubeModel
package import NetworkTypes

/// `networking.k8s.io/v1 ServiceCIDR` (KEP-1880): ranges that cluster IPs come from.
///
/// The finalizer and the condition Ready are set by a controller in Kubernetes, moments after the create; here they are
/// there from the start. ``ServiceCIDRKeeper`` does what follows from the stored objects.
package struct ServiceCIDRStrategy: ResourceStrategy {
    package let definition = ResourceDefinition.builtIn(
        "networking.k8s.io", "v1", "ServiceCIDR", "servicecidrs", namespaced: false, hasStatus: true)

    package static let finalizer = "networking.k8s.io/service-cidr-finalizer"
    private static let path = FieldPath("spec").child("cidrs")

    package func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        let kind = context.name == ServiceAllocations.defaultRangeName ? "default Service CIDR" : "Service CIDR"
        object["status"] = [
            "conditions": [
                Self.readyCondition(true, reason: "", "Kubernetes \(kind) is ready", now: context.now)
            ]
        ]
    }

    package func fillIn(_ object: inout JSONValue, _ context: StrategyContext) {
        protect(&object)
    }

    package func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        object["status"] = old["status"]
        if old.at("metadata", "deletionTimestamp") == nil { protect(&object) }
    }

    package func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        check(object["spec"]?["cidrs"])
    }

    package func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        let new = object["spec"]?["cidrs"]?.array ?? []
        let before = old["spec"]?["cidrs"]?.array ?? []
        var errors: [FieldError] = []
        switch (before.count, new.count) {
        case (1, 2):
            if new[0] != before[0] { errors.invalid(Self.path.index(0), new[0], "field is immutable") }
            errors += check(.array(new))
        case let (one, other) where one == other:
            for (index, value) in new.enumerated() where value != before[index] {
                errors.invalid(Self.path.index(index), value, "field is immutable")
            }
        default: errors.invalid(Self.path, .array(new), "field is immutable")
        }
        return errors
    }

    /// The condition Ready, as the API machinery writes conditions.
    package static func readyCondition(_ isReady: Bool, reason: String, _ message: String, now: Timestamp) -> JSONValue
    {
        [
            "lastTransitionTime": .string(now.description), "message": .string(message),
            "reason": .string(reason), "status": isReady ? "True" : "False", "type": "Ready",
        ]
    }

    /// The ranges of a stored object.
    package static func ranges(of object: JSONValue) -> [CIDR] {
        (object["spec"]?["cidrs"]?.array ?? []).compactMap { $0.string.flatMap { CIDR($0) }?.masked }
    }

    /// Whether addresses may come from it: it is not going away, and its condition Ready does not say otherwise.
    package static func isReady(_ object: JSONValue) -> Bool {
        guard object.at("metadata", "deletionTimestamp") == nil else { return false }
        let condition = object.at("status", "conditions")?.array?.first { $0.text("type") == "Ready" }
        return condition.map { $0.text("status") == "True" } ?? true
    }

    private func protect(_ object: inout JSONValue) {
        var finalizers = object["metadata"]["finalizers"].array ?? []
        guard !finalizers.contains(.string(Self.finalizer)) else { return }
        finalizers.append(.string(Self.finalizer))
        object["metadata"]["finalizers"] = .array(finalizers)
    }

    private func check(_ value: JSONValue?) -> [FieldError] {
        let cidrs = value?.array ?? []
        var errors: [FieldError] = []
        guard !cidrs.isEmpty else {
            errors.required(Self.path, "at least one CIDR required")
            return errors
        }
        guard cidrs.count <= 2 else {
            errors.invalid(Self.path, ["cidrs": .array(cidrs)], "may only hold up to 2 values")
            return errors
        }
        for (index, cidr) in cidrs.enumerated() {
            errors.invalid(Self.path.index(index), cidr, AddressMessages.rangeComplaints(about: cidr.string ?? ""))
        }
        let families = cidrs.compactMap { $0.string.flatMap { CIDR($0) }?.family }
        if families.count == 2, families[0] == families[1] {
            errors.invalid(
                Self.path, .array(cidrs),
                "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64")
        }
        return errors
    }
}
