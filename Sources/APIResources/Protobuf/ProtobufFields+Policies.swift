extension ProtobufFields {
    /// Policies, autoscaling and roles.
    static let policyTable = """
        AggregationRule clusterRoleSelectors:1:*LabelSelector
        ClusterRole metadata:1:ObjectMeta rules:2:*PolicyRule aggregationRule:3:?AggregationRule
        ClusterRoleBinding metadata:1:ObjectMeta subjects:2:*Subject roleRef:3:RoleRef
        ContainerResourceMetricSource name:1:s target:2:MetricTarget container:3:s
        ContainerResourceMetricStatus name:1:s current:2:MetricValueStatus container:3:s
        CrossVersionObjectReference kind:1:s name:2:s apiVersion:3:s
        Eviction metadata:1:ObjectMeta deleteOptions:2:?DeleteOptions
        ExternalMetricSource metric:1:MetricIdentifier target:2:MetricTarget
        ExternalMetricStatus metric:1:MetricIdentifier current:2:MetricValueStatus
        HPAScalingPolicy type:1:s value:2:i periodSeconds:3:i
        HPAScalingRules selectPolicy:1:?s policies:2:*HPAScalingPolicy stabilizationWindowSeconds:3:?i \
        tolerance:4:?q
        HorizontalPodAutoscaler metadata:1:ObjectMeta spec:2:HorizontalPodAutoscalerSpec \
        status:3:HorizontalPodAutoscalerStatus
        HorizontalPodAutoscalerBehavior scaleUp:1:?HPAScalingRules scaleDown:2:?HPAScalingRules
        HorizontalPodAutoscalerCondition type:1:s status:2:s lastTransitionTime:3:t reason:4:s message:5:s \
        observedGeneration:6:i
        HorizontalPodAutoscalerSpec scaleTargetRef:1:CrossVersionObjectReference minReplicas:2:?i maxReplicas:3:i \
        metrics:4:*MetricSpec behavior:5:?HorizontalPodAutoscalerBehavior
        HorizontalPodAutoscalerStatus observedGeneration:1:?i lastScaleTime:2:?t currentReplicas:3:i \
        desiredReplicas:4:i currentMetrics:5:*MetricStatus conditions:6:*HorizontalPodAutoscalerCondition
        IPBlock cidr:1:s except:2:*s
        MetricIdentifier name:1:s selector:2:?LabelSelector
        MetricSpec type:1:s object:2:?ObjectMetricSource pods:3:?PodsMetricSource resource:4:?ResourceMetricSource \
        external:5:?ExternalMetricSource containerResource:7:?ContainerResourceMetricSource
        MetricStatus type:1:s object:2:?ObjectMetricStatus pods:3:?PodsMetricStatus resource:4:?ResourceMetricStatus \
        external:5:?ExternalMetricStatus containerResource:7:?ContainerResourceMetricStatus
        MetricTarget type:1:s value:2:?q averageValue:3:?q averageUtilization:4:?i
        MetricValueStatus value:1:?q averageValue:2:?q averageUtilization:3:?i
        NetworkPolicy metadata:1:ObjectMeta spec:2:NetworkPolicySpec
        NetworkPolicyEgressRule ports:1:*NetworkPolicyPort to:2:*NetworkPolicyPeer
        NetworkPolicyIngressRule ports:1:*NetworkPolicyPort from:2:*NetworkPolicyPeer
        NetworkPolicyPeer podSelector:1:?LabelSelector namespaceSelector:2:?LabelSelector ipBlock:3:?IPBlock
        NetworkPolicyPort protocol:1:?s port:2:?p endPort:3:?i
        NetworkPolicySpec podSelector:1:LabelSelector ingress:2:*NetworkPolicyIngressRule \
        egress:3:*NetworkPolicyEgressRule policyTypes:4:*s
        ObjectMetricSource describedObject:1:CrossVersionObjectReference target:2:MetricTarget \
        metric:3:MetricIdentifier
        ObjectMetricStatus metric:1:MetricIdentifier current:2:MetricValueStatus \
        describedObject:3:CrossVersionObjectReference
        PodDisruptionBudget metadata:1:ObjectMeta spec:2:PodDisruptionBudgetSpec status:3:PodDisruptionBudgetStatus
        PodDisruptionBudgetSpec minAvailable:1:?p selector:2:?LabelSelector maxUnavailable:3:?p \
        unhealthyPodEvictionPolicy:4:?s
        PodDisruptionBudgetStatus observedGeneration:1:i disruptedPods:2:mt disruptionsAllowed:3:i \
        currentHealthy:4:i desiredHealthy:5:i expectedPods:6:i conditions:7:*Condition
        PodsMetricSource metric:1:MetricIdentifier target:2:MetricTarget
        PodsMetricStatus metric:1:MetricIdentifier current:2:MetricValueStatus
        PolicyRule verbs:1:*s apiGroups:2:*s resources:3:*s resourceNames:4:*s nonResourceURLs:5:*s
        ResourceMetricSource name:1:s target:2:MetricTarget
        ResourceMetricStatus name:1:s current:2:MetricValueStatus
        Role metadata:1:ObjectMeta rules:2:*PolicyRule
        RoleBinding metadata:1:ObjectMeta subjects:2:*Subject roleRef:3:RoleRef
        RoleRef apiGroup:1:s kind:2:s name:3:s
        Scale metadata:1:ObjectMeta spec:2:ScaleSpec status:3:ScaleStatus
        ScaleSpec replicas:1:i
        ScaleStatus replicas:1:i selector:2:s
        Subject kind:1:s apiGroup:2:s name:3:s namespace:4:s
        HorizontalPodAutoscalerV1 metadata:1:ObjectMeta spec:2:HorizontalPodAutoscalerSpecV1 \
        status:3:HorizontalPodAutoscalerStatusV1
        HorizontalPodAutoscalerSpecV1 scaleTargetRef:1:CrossVersionObjectReference minReplicas:2:?i maxReplicas:3:i \
        targetCPUUtilizationPercentage:4:?i
        HorizontalPodAutoscalerStatusV1 observedGeneration:1:?i lastScaleTime:2:?t currentReplicas:3:i desiredReplicas:4:i \
        currentCPUUtilizationPercentage:5:?i
        """
}
