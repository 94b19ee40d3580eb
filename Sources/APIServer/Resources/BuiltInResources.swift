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
            PersistentVolumeClaimStrategy(),
            PodStrategy(),
            PodTemplateStrategy(),
            ReplicationControllerStrategy(),
            SecretStrategy(),
            ServiceAccountStrategy(),
            ServiceStrategy(allocations: allocations, addressRule: addressRule),
            CustomResourceDefinitionStrategy(),
            EventsEventStrategy(),
            ControllerRevisionStrategy(),
            DaemonSetStrategy(),
            DeploymentStrategy(),
            ReplicaSetStrategy(),
            StatefulSetStrategy(),
            HorizontalPodAutoscalerStrategy(),
            HorizontalPodAutoscalerV1Strategy(),
            CronJobStrategy(),
            JobStrategy(),
            IngressClassStrategy(defaultClasses: defaultClasses),
            IngressStrategy(defaultClasses: defaultClasses),
            IPAddressStrategy(allocations: allocations),
            ServiceCIDRStrategy(),
            NetworkPolicyStrategy(),
            PodDisruptionBudgetStrategy(),
            RoleStrategy(isClusterWide: true),
            RoleBindingStrategy(isClusterWide: true),
            RoleStrategy(isClusterWide: false),
            RoleBindingStrategy(isClusterWide: false),
            LeaseStrategy(),
            EndpointSliceStrategy(addressRule: addressRule),
            AddressPoolStrategy(),
            RouteTableStrategy(),
        ]
    }
}
