/// The kinds every server has, in the order discovery lists them.
package enum BuiltInResources {
    /// - Throws: ``AllocationRangeError`` when cluster IPs or node ports can't be allocated from `ranges`.
    package static func registry(ranges: AllocationRanges) throws(AllocationRangeError) -> ResourceRegistry {
        ResourceRegistry(
            strategies(
                allocations: try ServiceAllocations(ranges: ranges), addressRule: EndpointAddressRule(ranges: ranges)))
    }

    package static func strategies(
        allocations: ServiceAllocations, addressRule: EndpointAddressRule
    ) -> [any ResourceStrategy] {
        let defaultClasses = DefaultIngressClasses()
        let priorities = PriorityClasses()
        let pools = PoolRanges()
        let lengths = AggregationLengths()
        return [
            ConfigMapStrategy(),
            EndpointsStrategy(addressRule: addressRule),
            EventStrategy(),
            LimitRangeStrategy(),
            NamespaceStrategy(),
            NodeStrategy(),
            PersistentVolumeClaimStrategy(),
            PersistentVolumeStrategy(),
            PodStrategy(priorities: priorities),
            PodTemplateStrategy(),
            ReplicationControllerStrategy(),
            ResourceQuotaStrategy(),
            SecretStrategy(),
            ServiceAccountStrategy(),
            ServiceStrategy(allocations: allocations, addressRule: addressRule),
            APIServiceStrategy(),
            CustomResourceDefinitionStrategy(),
            AdmissionPolicyStrategy(isMutating: true),
            AdmissionPolicyBindingStrategy(isMutating: true),
            WebhookConfigurationStrategy(isMutating: true),
            AdmissionPolicyStrategy(isMutating: false),
            AdmissionPolicyBindingStrategy(isMutating: false),
            WebhookConfigurationStrategy(isMutating: false),
            CertificateSigningRequestStrategy(),
            FlowSchemaStrategy(),
            PriorityLevelConfigurationStrategy(),
            RuntimeClassStrategy(),
            DeviceClassStrategy(),
            ResourceClaimStrategy(),
            ResourceClaimTemplateStrategy(),
            ResourceSliceStrategy(),
            PriorityClassStrategy(priorities: priorities),
            CSIDriverStrategy(),
            CSINodeStrategy(),
            CSIStorageCapacityStrategy(),
            StorageClassStrategy(),
            VolumeAttachmentStrategy(),
            VolumeAttributesClassStrategy(),
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
            AddressPoolStrategy(pools: pools, allocations: allocations),
            HealthCheckStrategy(),
            RouteTableStrategy(),
            // The version that is listed first is the one that clients prefer.
            BGPPeerStrategy(),
            BGPPeerStrategy.v1beta1,
            BFDProfileStrategy(),
            AdvertisementStrategy(.bgp(lengths)),
            CommunityStrategy(),
            IPAddressPoolStrategy(pools: pools, lengths: lengths, allocations: allocations),
            AdvertisementStrategy(.layer2),
            AnnouncementStatusStrategy.bgp,
            AnnouncementStatusStrategy.layer2,
        ]
    }
}
