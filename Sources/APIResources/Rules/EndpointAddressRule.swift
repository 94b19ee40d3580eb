import KubeModel
package import NetworkTypes

/// What addresses endpoints and external IPs may have (kube-apiserver's ValidateNonSpecialIP).
///
/// Kubernetes refuses loopback addresses, since a node would send such traffic to itself. Where the cluster range
/// itself
/// lies in 127.0.0.0/8, as it does by default without root, everything is on this machine and loopback backends are the
/// normal case: then they are allowed.
package struct EndpointAddressRule: Sendable {
    package let allowsLoopback: Bool

    package init(allowsLoopback: Bool) {
        self.allowsLoopback = allowsLoopback
    }

    package init(ranges: AllocationRanges) {
        allowsLoopback = ranges.serviceCIDRs.contains { $0.address.isLoopback }
    }

    /// The rule for one object: the server's own endpoints may be on the loopback, where it may be all that listens.
    package func adapted(to context: StrategyContext) -> EndpointAddressRule {
        guard context.namespace == ServerService.namespace, context.name == ServerService.name else {
            return self
        }
        return EndpointAddressRule(allowsLoopback: true)
    }

    /// Whether something may be sent to an address on behalf of a client: what endpoints may have, and no group of hosts.
    package func allows(_ address: IPAddress) -> Bool {
        if address.isMulticast || address == IPAddress("255.255.255.255") { return false }
        var errors: [FieldError] = []
        check(address, address.description, FieldPath("ip"), &errors)
        return errors.isEmpty
    }

    func check(_ text: String, _ path: @autoclosure () -> FieldPath, _ errors: inout [FieldError]) {
        check(IPAddress(text), text, path(), &errors)
    }

    /// - Parameter address: what `text` says; nil where it says none.
    func check(
        _ address: IPAddress?, _ text: String, _ path: @autoclosure () -> FieldPath, _ errors: inout [FieldError]
    ) {
        guard let address else { return errors.invalid(path(), .string(text), AddressMessages.address) }
        if address.mappedV4 != nil { errors.invalid(path(), .string(text), AddressMessages.mapped) }
        if address.isUnspecified { errors.invalid(path(), .string(text), "may not be unspecified (\(text))") }
        if address.isLoopback && !allowsLoopback {
            errors.invalid(path(), .string(text), "may not be in the loopback range (127.0.0.0/8, ::1/128)")
        }
        if address.isLinkLocalUnicast {
            errors.invalid(path(), .string(text), "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
        }
        if address.isLinkLocalMulticast {
            errors.invalid(
                path(), .string(text), "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
        }
    }
}
