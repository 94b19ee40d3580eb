extension ProtobufFields {
    /// Storage, quotas and classes.
    static let storageTable = """
        AzureFilePersistentVolumeSource secretName:1:s shareName:2:s readOnly:3:b secretNamespace:4:?s
        Binding metadata:1:ObjectMeta target:2:ObjectReference
        CSIDriver metadata:1:ObjectMeta spec:2:CSIDriverSpec
        CSIDriverSpec attachRequired:1:?b podInfoOnMount:2:?b volumeLifecycleModes:3:*s storageCapacity:4:?b \
        fsGroupPolicy:5:?s tokenRequests:6:*StorageTokenRequest requiresRepublish:7:?b seLinuxMount:8:?b \
        nodeAllocatableUpdatePeriodSeconds:9:?i serviceAccountTokenInSecrets:10:?b
        CSINode metadata:1:ObjectMeta spec:2:CSINodeSpec
        CSINodeDriver name:1:s nodeID:2:s topologyKeys:3:*s allocatable:4:?VolumeNodeResources
        CSINodeSpec drivers:1:*CSINodeDriver
        CSIPersistentVolumeSource driver:1:s volumeHandle:2:s readOnly:3:b fsType:4:s volumeAttributes:5:ms \
        controllerPublishSecretRef:6:?SecretReference nodeStageSecretRef:7:?SecretReference \
        nodePublishSecretRef:8:?SecretReference controllerExpandSecretRef:9:?SecretReference \
        nodeExpandSecretRef:10:?SecretReference
        CSIStorageCapacity metadata:1:ObjectMeta nodeTopology:2:?LabelSelector storageClassName:3:s capacity:4:?q \
        maximumVolumeSize:5:?q
        CephFSPersistentVolumeSource monitors:1:*s path:2:s user:3:s secretFile:4:s secretRef:5:?SecretReference \
        readOnly:6:b
        CinderPersistentVolumeSource volumeID:1:s fsType:2:s readOnly:3:b secretRef:4:?SecretReference
        ComponentCondition type:1:s status:2:s message:3:s error:4:s
        ComponentStatus metadata:1:ObjectMeta conditions:2:*ComponentCondition
        FlexPersistentVolumeSource driver:1:s fsType:2:s secretRef:3:?SecretReference readOnly:4:b options:5:ms
        GlusterfsPersistentVolumeSource endpoints:1:s path:2:s readOnly:3:b endpointsNamespace:4:?s
        ISCSIPersistentVolumeSource targetPortal:1:s iqn:2:s lun:3:i iscsiInterface:4:s fsType:5:s readOnly:6:b \
        portals:7:*s chapAuthDiscovery:8:b chapAuthSession:11:b secretRef:10:?SecretReference initiatorName:12:?s
        LimitRange metadata:1:ObjectMeta spec:2:LimitRangeSpec
        LimitRangeItem type:1:s max:2:mq min:3:mq default:4:mq defaultRequest:5:mq maxLimitRequestRatio:6:mq
        LimitRangeSpec limits:1:*LimitRangeItem
        LocalVolumeSource path:1:s fsType:2:?s
        Overhead podFixed:1:mq
        PersistentVolume metadata:1:ObjectMeta spec:2:PersistentVolumeSpec status:3:PersistentVolumeStatus
        PersistentVolumeSource gcePersistentDisk:1:?GCEPersistentDiskVolumeSource \
        awsElasticBlockStore:2:?AWSElasticBlockStoreVolumeSource hostPath:3:?HostPathVolumeSource \
        glusterfs:4:?GlusterfsPersistentVolumeSource nfs:5:?NFSVolumeSource rbd:6:?RBDPersistentVolumeSource \
        iscsi:7:?ISCSIPersistentVolumeSource cinder:8:?CinderPersistentVolumeSource \
        cephfs:9:?CephFSPersistentVolumeSource fc:10:?FCVolumeSource flocker:11:?FlockerVolumeSource \
        flexVolume:12:?FlexPersistentVolumeSource azureFile:13:?AzureFilePersistentVolumeSource \
        vsphereVolume:14:?VsphereVirtualDiskVolumeSource quobyte:15:?QuobyteVolumeSource \
        azureDisk:16:?AzureDiskVolumeSource photonPersistentDisk:17:?PhotonPersistentDiskVolumeSource \
        portworxVolume:18:?PortworxVolumeSource scaleIO:19:?ScaleIOPersistentVolumeSource \
        local:20:?LocalVolumeSource storageos:21:?StorageOSPersistentVolumeSource csi:22:?CSIPersistentVolumeSource
        PersistentVolumeSpec capacity:1:mq persistentVolumeSource:2:+PersistentVolumeSource accessModes:3:*s \
        claimRef:4:?ObjectReference persistentVolumeReclaimPolicy:5:s storageClassName:6:s mountOptions:7:*s \
        volumeMode:8:?s nodeAffinity:9:?VolumeNodeAffinity volumeAttributesClassName:10:?s
        PersistentVolumeStatus phase:1:s message:2:s reason:3:s lastPhaseTransitionTime:4:t
        PriorityClass metadata:1:ObjectMeta value:2:i globalDefault:3:b description:4:s preemptionPolicy:5:?s
        RBDPersistentVolumeSource monitors:1:*s image:2:s fsType:3:s pool:4:s user:5:s keyring:6:s \
        secretRef:7:?SecretReference readOnly:8:b
        ResourceQuota metadata:1:ObjectMeta spec:2:ResourceQuotaSpec status:3:ResourceQuotaStatus
        ResourceQuotaSpec hard:1:mq scopes:2:*s scopeSelector:3:?ScopeSelector
        ResourceQuotaStatus hard:1:mq used:2:mq
        RuntimeClass metadata:1:ObjectMeta handler:2:s overhead:3:?Overhead scheduling:4:?Scheduling
        ScaleIOPersistentVolumeSource gateway:1:s system:2:s secretRef:3:?SecretReference sslEnabled:4:b \
        protectionDomain:5:s storagePool:6:s storageMode:7:s volumeName:8:s fsType:9:s readOnly:10:b
        Scheduling nodeSelector:1:ms tolerations:2:*Toleration
        ScopeSelector matchExpressions:1:*ScopedResourceSelectorRequirement
        ScopedResourceSelectorRequirement scopeName:1:s operator:2:s values:3:*s
        SecretReference name:1:s namespace:2:s
        StorageClass metadata:1:ObjectMeta provisioner:2:s parameters:3:ms reclaimPolicy:4:?s mountOptions:5:*s \
        allowVolumeExpansion:6:?b volumeBindingMode:7:?s allowedTopologies:8:*TopologySelectorTerm
        StorageOSPersistentVolumeSource volumeName:1:s volumeNamespace:2:s fsType:3:s readOnly:4:b \
        secretRef:5:?ObjectReference
        StorageTokenRequest audience:1:s expirationSeconds:2:?i
        TopologySelectorLabelRequirement key:1:s values:2:*s
        TopologySelectorTerm matchLabelExpressions:1:*TopologySelectorLabelRequirement
        VolumeAttachment metadata:1:ObjectMeta spec:2:VolumeAttachmentSpec status:3:VolumeAttachmentStatus
        VolumeAttachmentSource persistentVolumeName:1:?s inlineVolumeSpec:2:?PersistentVolumeSpec
        VolumeAttachmentSpec attacher:1:s source:2:VolumeAttachmentSource nodeName:3:s
        VolumeAttachmentStatus attached:1:b attachmentMetadata:2:ms attachError:3:?VolumeError \
        detachError:4:?VolumeError
        VolumeAttributesClass metadata:1:ObjectMeta driverName:2:s parameters:3:ms
        VolumeError time:1:t message:2:s errorCode:3:?i
        VolumeNodeAffinity required:1:?NodeSelector
        VolumeNodeResources count:1:?i
        """
}
