extension ProtobufFields {
    /// Devices (`resource.k8s.io/v1`). Alpha fields of 1.36 that clients of 1.35 do not know are left out.
    static let deviceTable = """
        AllocatedDeviceStatus driver:1:s pool:2:s device:3:s conditions:4:*Condition data:5:?raw \
        networkData:6:?NetworkDeviceData shareID:7:?s
        AllocationResult devices:1:DeviceAllocationResult nodeSelector:3:?NodeSelector allocationTimestamp:5:t
        CELDeviceSelector expression:1:s
        CapacityRequestPolicy default:1:?q validValues:3:*q validRange:4:?CapacityRequestPolicyRange
        CapacityRequestPolicyRange min:1:?q max:2:?q step:3:?q
        CapacityRequirements requests:1:mq
        Counter value:1:q
        CounterSet name:1:s counters:2:mCounter
        Device name:1:s attributes:2:mDeviceAttribute capacity:3:mDeviceCapacity \
        consumesCounters:4:*DeviceCounterConsumption nodeName:5:?s nodeSelector:6:?NodeSelector allNodes:7:?b \
        taints:8:*DeviceTaint bindsToNode:9:?b bindingConditions:10:*s bindingFailureConditions:11:*s \
        allowMultipleAllocations:12:?b
        DeviceAllocationConfiguration source:1:s requests:2:*s deviceConfiguration:3:+DeviceConfiguration
        DeviceAllocationResult results:1:*DeviceRequestAllocationResult config:2:*DeviceAllocationConfiguration
        DeviceAttribute int:2:?i bool:3:?b string:4:?s version:5:?s
        DeviceCapacity value:1:q requestPolicy:2:?CapacityRequestPolicy
        DeviceClaim requests:1:*DeviceRequest constraints:2:*DeviceConstraint config:3:*DeviceClaimConfiguration
        DeviceClaimConfiguration requests:1:*s deviceConfiguration:2:+DeviceConfiguration
        DeviceClass metadata:1:ObjectMeta spec:2:DeviceClassSpec
        DeviceClassConfiguration deviceConfiguration:1:+DeviceConfiguration
        DeviceClassSpec selectors:1:*DeviceSelector config:2:*DeviceClassConfiguration extendedResourceName:4:?s
        DeviceConfiguration opaque:1:?OpaqueDeviceConfiguration
        DeviceConstraint requests:1:*s matchAttribute:2:?s distinctAttribute:3:?s
        DeviceCounterConsumption counterSet:1:s counters:2:mCounter
        DeviceRequest name:1:s exactly:2:?ExactDeviceRequest firstAvailable:3:*DeviceSubRequest
        DeviceRequestAllocationResult request:1:s driver:2:s pool:3:s device:4:s adminAccess:5:?b \
        tolerations:6:*DeviceToleration bindingConditions:7:*s bindingFailureConditions:8:*s shareID:9:?s \
        consumedCapacity:10:mq
        DeviceResourceClaim metadata:1:ObjectMeta spec:2:ResourceClaimSpec status:3:ResourceClaimStatus
        DeviceSelector cel:1:?CELDeviceSelector
        DeviceSubRequest name:1:s deviceClassName:2:s selectors:3:*DeviceSelector allocationMode:4:s count:5:i \
        tolerations:6:*DeviceToleration capacity:7:?CapacityRequirements
        DeviceTaint key:1:s value:2:s effect:3:s timeAdded:4:t
        DeviceToleration key:1:s operator:2:s value:3:s effect:4:s tolerationSeconds:5:?i
        ExactDeviceRequest deviceClassName:1:s selectors:2:*DeviceSelector allocationMode:3:s count:4:i \
        adminAccess:5:?b tolerations:6:*DeviceToleration capacity:7:?CapacityRequirements
        NetworkDeviceData interfaceName:1:s ips:2:*s hardwareAddress:3:s
        OpaqueDeviceConfiguration driver:1:s parameters:2:raw
        ResourceClaimConsumerReference apiGroup:1:s resource:3:s name:4:s uid:5:s
        ResourceClaimSpec devices:1:DeviceClaim
        ResourceClaimStatus allocation:1:?AllocationResult reservedFor:2:*ResourceClaimConsumerReference \
        devices:4:*AllocatedDeviceStatus
        ResourceClaimTemplate metadata:1:ObjectMeta spec:2:ResourceClaimTemplateSpec
        ResourceClaimTemplateSpec metadata:1:ObjectMeta spec:2:ResourceClaimSpec
        ResourcePool name:1:s generation:2:i resourceSliceCount:3:i
        ResourceSlice metadata:1:ObjectMeta spec:2:ResourceSliceSpec
        ResourceSliceSpec driver:1:s pool:2:ResourcePool nodeName:3:?s nodeSelector:4:?NodeSelector allNodes:5:?b \
        devices:6:*Device perDeviceNodeSelection:7:?b sharedCounters:8:*CounterSet
        """
}
