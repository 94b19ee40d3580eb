import KubeModel
import NetworkTypes
import Store

/// `networking.k8s.io/v1 IPAddress` (KEP-1880): who has an address.
///
/// Those of Services are written with the Services. One that somebody else makes keeps its address from Services.
struct IPAddressStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "networking.k8s.io", "v1", "IPAddress", "ipaddresses", namespaced: false, short: ["ip"])
    let nameRule = NameRule.ipAddress
    let allocations: ServiceAllocations

    /// The address is kept from Services, unless the write fails.
    private struct Reservation: AllocationTransaction {
        let allocations: ServiceAllocations
        let address: IPAddress

        func commit() {}
        func rollback() { allocations.unreserve(address) }
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        errors.immutable(
            FieldPath("spec").child("parentRef"), object.at("spec", "parentRef"), old.at("spec", "parentRef"))
        return errors
    }

    func allocate(_ object: inout JSONValue, replacing old: JSONValue?, _ context: StrategyContext) throws(Status)
        -> (any AllocationTransaction)?
    {
        guard old == nil, let address = IPAddress(context.name) else { return nil }
        guard allocations.reserve(address) else {
            throw Status.alreadyExists(definition.groupResource, context.name)
        }
        return Reservation(allocations: allocations, address: address)
    }

    /// The IPAddress of a Service that still has the address comes back at once, where Kubernetes repairs it later.
    func companions(of object: JSONValue?, replacing old: JSONValue?, _ context: StrategyContext) -> [Write] {
        guard object == nil, let old, let address = IPAddress(context.name),
            old.text("spec", "parentRef", "resource") == "services", old.text("spec", "parentRef", "group").isEmpty
        else { return [] }
        let namespace = old.text("spec", "parentRef", "namespace")
        let name = old.text("spec", "parentRef", "name")
        guard allocations.service(namespace, name, holds: address) else { return [] }
        return [IPAddressDocument.creation(of: address, service: name, namespace: namespace, now: context.now)]
    }

    func release(_ object: JSONValue) {
        // The name was checked to be an address when the object was made.
        if let address = IPAddress(object.text("metadata", "name")) { allocations.unreserve(address) }
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("spec").child("parentRef")
        guard let parent = object.at("spec", "parentRef") else {
            errors.required(path)
            return errors
        }
        let group = parent.text("group")
        if !group.isEmpty {
            errors.invalid(path.child("group"), .string(group), Validation.dns1123Subdomain(group))
        }
        for key in ["resource", "name", "namespace"] {
            let text = parent.text(key)
            if !text.isEmpty {
                errors.invalid(path.child(key), .string(text), Validation.pathSegmentName(text))
            } else if key != "namespace" {
                errors.required(path.child(key))
            }
        }
        return errors
    }
}
