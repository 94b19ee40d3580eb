/// The kinds every server has, in the order discovery lists them.
enum BuiltInResources {
    /// - Throws: ``AllocationRangeError`` when cluster IPs or node ports can't be allocated from `ranges`.
    static func registry(ranges: AllocationRanges) throws(AllocationRangeError) -> ResourceRegistry {
        ResourceRegistry(
            strategies(
                allocations: try ServiceAllocations(ranges: ranges), addressRule: EndpointAddressRule(ranges: ranges)))
    }

    static func strategies(
        allocations: ServiceAllocations, addressRule: EndpointAddressRule
    ) -> [any ResourceStrategy] {
        let defaultClasses = DefaultIngressClasses()
        return [
            ConfigMapStrategy(),
            EndpointsStrategy(addressRule: addressRule),
            EventStrategy(),
            NamespaceStrategy(),
            NodeStrategy(),
            PodStrategy(),
            SecretStrategy(),
            ServiceAccountStrategy(),
            ServiceStrategy(allocations: allocations, addressRule: addressRule),
            EventsEventStrategy(),
            IngressClassStrategy(defaultClasses: defaultClasses),
            IngressStrategy(defaultClasses: defaultClasses),
            IPAddressStrategy(allocations: allocations),
            ServiceCIDRStrategy(),
            LeaseStrategy(),
            EndpointSliceStrategy(addressRule: addressRule),
            AddressPoolStrategy(),
            RouteTableStrategy(),
        ]
    }
}
