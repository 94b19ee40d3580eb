package import KubeModel
import NetworkTypes
package import Store

/// `v1.Service`: defaults, the rules of its types, and the allocation of its addresses and ports.
package struct ServiceStrategy: ResourceStrategy {
    package let definition = ResourceDefinition.builtIn(
        "", "v1", "Service", "services", short: ["svc"], categories: ["all"], hasStatus: true)
    package let holdsClaims = true
    package let returnsDeletedObject = true
    package let nameRule = NameRule.dnsLabel
    package let allowsCreateOnUpdate = true
    package let selectableFieldNames = ["spec.clusterIP", "spec.type"]

    package let allocations: ServiceAllocations
    private let validation: ServiceValidation

    package init(allocations: ServiceAllocations, addressRule: EndpointAddressRule) {
        self.allocations = allocations
        validation = ServiceValidation(addressRule: addressRule)
    }

    package func selectableFields(of object: JSONValue) -> [String: String] {
        FieldValues.read(["spec.clusterIP", "spec.type"], from: object)
    }

    package func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        var service = ServiceDocument(object)
        service.status = .emptyLoadBalancer
        ServiceDefaults.apply(to: &service)
        object = service.document
    }

    package func fillIn(_ object: inout JSONValue, _ context: StrategyContext) {
        var service = ServiceDocument(object)
        ServiceTransitions.alignClusterIPs(&service, from: nil)
        object = withFamilies(service, from: nil).document
    }

    package func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        var service = ServiceDocument(object)
        let before = ServiceDocument(old)
        service.status = before.status
        ServiceDefaults.apply(to: &service)
        ServiceTransitions.keepAllocated(&service, from: before)
        ServiceTransitions.alignClusterIPs(&service, from: before)
        ServiceTransitions.dropUnused(&service, from: before)
        object = withFamilies(service, from: before).document
    }

    package func prepareForStatusUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        object["spec"] = old["spec"]
        var service = ServiceDocument(object)
        ServiceDefaults.applyStatus(to: &service)
        object = service.document
    }

    package func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var service = ServiceDocument(object)
        let errors = allocations.families.fill(&service, from: nil)
        return Self.complete(errors, with: validation.check(service))
    }

    package func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        // It can always be removed, even when it no longer fits the configured ranges.
        if object.isBeingRemoved { return [] }
        var service = ServiceDocument(object)
        let before = ServiceDocument(old)
        let errors = allocations.families.fill(&service, from: before)
        return Self.complete(errors, with: validation.checkUpdate(service, from: before))
    }

    package func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext)
        -> [FieldError]
    {
        LoadBalancerStatusRules.checkService(ServiceDocument(object))
    }

    package func allocate(_ object: inout JSONValue, replacing old: JSONValue?, _ context: StrategyContext)
        throws(Status)
        -> (any AllocationTransaction)?
    {
        // The update that takes the last finalizer away removes the object: `release` then gives back what `old` held.
        if object.isBeingRemoved { return nil }
        var service = ServiceDocument(object)
        let reservation = try allocations.reserve(&service, replacing: old.map(ServiceDocument.init))
        object = service.document
        return reservation
    }

    package func release(_ object: JSONValue) {
        allocations.release(ServiceDocument(object))
    }

    package func restore(_ object: JSONValue) {
        allocations.restore(ServiceDocument(object))
    }

    /// Each cluster IP has an IPAddress, which comes and goes with it.
    package func companions(of object: JSONValue?, replacing old: JSONValue?, _ context: StrategyContext) -> [Write] {
        let wanted = object.map(Self.clusterIPs) ?? []
        let held = old.map(Self.clusterIPs) ?? []
        guard wanted != held else { return [] }
        var writes: [Write] = []
        for address in held where !wanted.contains(address) { writes.append(IPAddressDocument.deletion(of: address)) }
        for address in wanted where !held.contains(address) {
            writes.append(
                IPAddressDocument.creation(
                    of: address, service: context.name, namespace: context.namespace, now: context.now))
        }
        return writes
    }

    private static func clusterIPs(_ object: JSONValue) -> [IPAddress] {
        guard let spec = object["spec"]?.object, spec["type"]?.string != "ExternalName" else { return [] }
        return spec["clusterIPs"]?.array?.compactMap { $0.string.flatMap { IPAddress($0) } } ?? []
    }

    package func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        ServiceWarnings.of(ServiceDocument(object))
    }

    /// Everything that is wrong at once. Families that can't be filled in leave the fields around them half done: of those
    /// only the first finding says something.
    private static func complete(_ families: [FieldError], with rules: [FieldError]) -> [FieldError] {
        guard !families.isEmpty else { return rules }
        return families
            + rules.filter { !$0.field.hasPrefix("spec.clusterIP") && !$0.field.hasPrefix("spec.ipFamil") }
    }

    /// The document with its families filled in, or as it is when they can't be: validation then says why.
    private func withFamilies(_ service: ServiceDocument, from old: ServiceDocument?) -> ServiceDocument {
        var filled = service
        return allocations.families.fill(&filled, from: old).isEmpty ? filled : service
    }
}
