extension ProtobufFields {
    /// Pods, their templates, and Nodes.
    static let podTable = """
        AWSElasticBlockStoreVolumeSource volumeID:1:s fsType:2:s partition:3:i readOnly:4:b
        Affinity nodeAffinity:1:?NodeAffinity podAffinity:2:?PodAffinity podAntiAffinity:3:?PodAntiAffinity
        AppArmorProfile type:1:s localhostProfile:2:?s
        AttachedVolume name:1:s devicePath:2:s
        AzureDiskVolumeSource diskName:1:s diskURI:2:s cachingMode:3:?s fsType:4:?s readOnly:5:?b kind:6:?s
        AzureFileVolumeSource secretName:1:s shareName:2:s readOnly:3:b
        CSIVolumeSource driver:1:s readOnly:2:?b fsType:3:?s volumeAttributes:4:ms \
        nodePublishSecretRef:5:?LocalObjectReference
        Capabilities add:1:*s drop:2:*s
        CephFSVolumeSource monitors:1:*s path:2:s user:3:s secretFile:4:s secretRef:5:?LocalObjectReference \
        readOnly:6:b
        CinderVolumeSource volumeID:1:s fsType:2:s readOnly:3:b secretRef:4:?LocalObjectReference
        ClusterTrustBundleProjection name:1:?s signerName:2:?s labelSelector:3:?LabelSelector path:4:s optional:5:?b
        ConfigMapEnvSource localObjectReference:1:+LocalObjectReference optional:2:?b
        ConfigMapKeySelector localObjectReference:1:+LocalObjectReference key:2:s optional:3:?b
        ConfigMapNodeConfigSource namespace:1:s name:2:s uid:3:s resourceVersion:4:s kubeletConfigKey:5:s
        ConfigMapProjection localObjectReference:1:+LocalObjectReference items:2:*KeyToPath optional:4:?b
        ConfigMapVolumeSource localObjectReference:1:+LocalObjectReference items:2:*KeyToPath defaultMode:3:?i \
        optional:4:?b
        Container name:1:s image:2:s command:3:*s args:4:*s workingDir:5:s ports:6:*ContainerPort env:7:*EnvVar \
        resources:8:ResourceRequirements volumeMounts:9:*VolumeMount livenessProbe:10:?Probe \
        readinessProbe:11:?Probe lifecycle:12:?Lifecycle terminationMessagePath:13:s imagePullPolicy:14:s \
        securityContext:15:?SecurityContext stdin:16:b stdinOnce:17:b tty:18:b envFrom:19:*EnvFromSource \
        terminationMessagePolicy:20:s volumeDevices:21:*VolumeDevice startupProbe:22:?Probe \
        resizePolicy:23:*ContainerResizePolicy restartPolicy:24:?s restartPolicyRules:25:*ContainerRestartRule
        ContainerImage names:1:*s sizeBytes:2:i
        ContainerPort name:1:s hostPort:2:i containerPort:3:i protocol:4:s hostIP:5:s
        ContainerResizePolicy resourceName:1:s restartPolicy:2:s
        ContainerState waiting:1:?ContainerStateWaiting running:2:?ContainerStateRunning \
        terminated:3:?ContainerStateTerminated
        ContainerStateRunning startedAt:1:t
        ContainerStateTerminated exitCode:1:i signal:2:i reason:3:s message:4:s startedAt:5:t finishedAt:6:t \
        containerID:7:s
        ContainerStateWaiting reason:1:s message:2:s
        ContainerStatus name:1:s state:2:ContainerState lastState:3:ContainerState ready:4:b restartCount:5:i \
        image:6:s imageID:7:s containerID:8:s started:9:?b allocatedResources:10:mq \
        resources:11:?ResourceRequirements volumeMounts:12:*VolumeMountStatus user:13:?ContainerUser \
        allocatedResourcesStatus:14:*ResourceStatus stopSignal:15:?s
        ContainerExtendedResourceRequest containerName:1:s resourceName:2:s requestName:3:s
        ContainerUser linux:1:?LinuxContainerUser
        DaemonEndpoint Port:1:i
        DownwardAPIProjection items:1:*DownwardAPIVolumeFile
        DownwardAPIVolumeFile path:1:s fieldRef:2:?ObjectFieldSelector resourceFieldRef:3:?ResourceFieldSelector \
        mode:4:?i
        DownwardAPIVolumeSource items:1:*DownwardAPIVolumeFile defaultMode:2:?i
        EmptyDirVolumeSource medium:1:s sizeLimit:2:?q
        EnvFromSource prefix:1:s configMapRef:2:?ConfigMapEnvSource secretRef:3:?SecretEnvSource
        EnvVar name:1:s value:2:s valueFrom:3:?EnvVarSource
        EnvVarSource fieldRef:1:?ObjectFieldSelector resourceFieldRef:2:?ResourceFieldSelector \
        configMapKeyRef:3:?ConfigMapKeySelector secretKeyRef:4:?SecretKeySelector fileKeyRef:5:?FileKeySelector
        EphemeralContainer ephemeralContainerCommon:1:+EphemeralContainerCommon targetContainerName:2:s
        EphemeralContainerCommon name:1:s image:2:s command:3:*s args:4:*s workingDir:5:s ports:6:*ContainerPort \
        env:7:*EnvVar resources:8:ResourceRequirements volumeMounts:9:*VolumeMount livenessProbe:10:?Probe \
        readinessProbe:11:?Probe lifecycle:12:?Lifecycle terminationMessagePath:13:s imagePullPolicy:14:s \
        securityContext:15:?SecurityContext stdin:16:b stdinOnce:17:b tty:18:b envFrom:19:*EnvFromSource \
        terminationMessagePolicy:20:s volumeDevices:21:*VolumeDevice startupProbe:22:?Probe \
        resizePolicy:23:*ContainerResizePolicy restartPolicy:24:?s restartPolicyRules:25:*ContainerRestartRule
        EphemeralVolumeSource volumeClaimTemplate:1:?PersistentVolumeClaimTemplate
        ExecAction command:1:*s
        FCVolumeSource targetWWNs:1:*s lun:2:?i fsType:3:s readOnly:4:b wwids:5:*s
        FlexVolumeSource driver:1:s fsType:2:s secretRef:3:?LocalObjectReference readOnly:4:b options:5:ms
        FlockerVolumeSource datasetName:1:s datasetUUID:2:s
        GCEPersistentDiskVolumeSource pdName:1:s fsType:2:s partition:3:i readOnly:4:b
        GRPCAction port:1:i service:2:?s
        GitRepoVolumeSource repository:1:s revision:2:s directory:3:s
        GlusterfsVolumeSource endpoints:1:s path:2:s readOnly:3:b
        HTTPGetAction path:1:s port:2:p host:3:s scheme:4:s httpHeaders:5:*HTTPHeader
        HTTPHeader name:1:s value:2:s
        HostAlias ip:1:s hostnames:2:*s
        HostIP ip:1:s
        HostPathVolumeSource path:1:s type:2:?s
        ISCSIVolumeSource targetPortal:1:s iqn:2:s lun:3:i iscsiInterface:4:s fsType:5:s readOnly:6:b portals:7:*s \
        chapAuthDiscovery:8:b secretRef:10:?LocalObjectReference chapAuthSession:11:b initiatorName:12:?s
        ImageVolumeSource reference:1:s pullPolicy:2:s
        KeyToPath key:1:s path:2:s mode:3:?i
        LabelSelector matchLabels:1:ms matchExpressions:2:*LabelSelectorRequirement
        LabelSelectorRequirement key:1:s operator:2:s values:3:*s
        Lifecycle postStart:1:?LifecycleHandler preStop:2:?LifecycleHandler stopSignal:3:?s
        LifecycleHandler exec:1:?ExecAction httpGet:2:?HTTPGetAction tcpSocket:3:?TCPSocketAction \
        sleep:4:?SleepAction
        LinuxContainerUser uid:1:i gid:2:i supplementalGroups:3:*i
        NFSVolumeSource server:1:s path:2:s readOnly:3:b
        Node metadata:1:ObjectMeta spec:2:NodeSpec status:3:NodeStatus
        NodeAddress type:1:s address:2:s
        NodeAffinity requiredDuringSchedulingIgnoredDuringExecution:1:?NodeSelector \
        preferredDuringSchedulingIgnoredDuringExecution:2:*PreferredSchedulingTerm
        NodeCondition type:1:s status:2:s lastHeartbeatTime:3:t lastTransitionTime:4:t reason:5:s message:6:s
        NodeConfigSource configMap:2:?ConfigMapNodeConfigSource
        NodeConfigStatus assigned:1:?NodeConfigSource active:2:?NodeConfigSource lastKnownGood:3:?NodeConfigSource \
        error:4:s
        NodeDaemonEndpoints kubeletEndpoint:1:DaemonEndpoint
        NodeFeatures supplementalGroupsPolicy:1:?b
        NodeRuntimeHandler name:1:s features:2:?NodeRuntimeHandlerFeatures
        NodeRuntimeHandlerFeatures recursiveReadOnlyMounts:1:?b userNamespaces:2:?b
        NodeSelector nodeSelectorTerms:1:*NodeSelectorTerm
        NodeSelectorRequirement key:1:s operator:2:s values:3:*s
        NodeSelectorTerm matchExpressions:1:*NodeSelectorRequirement matchFields:2:*NodeSelectorRequirement
        NodeSpec podCIDR:1:s externalID:2:s providerID:3:s unschedulable:4:b taints:5:*Taint \
        configSource:6:?NodeConfigSource podCIDRs:7:*s
        NodeStatus capacity:1:mq allocatable:2:mq phase:3:s conditions:4:*NodeCondition addresses:5:*NodeAddress \
        daemonEndpoints:6:NodeDaemonEndpoints nodeInfo:7:NodeSystemInfo images:8:*ContainerImage volumesInUse:9:*s \
        volumesAttached:10:*AttachedVolume config:11:?NodeConfigStatus runtimeHandlers:12:*NodeRuntimeHandler \
        features:13:?NodeFeatures declaredFeatures:14:*s
        NodeSwapStatus capacity:1:?i
        NodeSystemInfo machineID:1:s systemUUID:2:s bootID:3:s kernelVersion:4:s osImage:5:s \
        containerRuntimeVersion:6:s kubeletVersion:7:s kubeProxyVersion:8:s operatingSystem:9:s architecture:10:s \
        swap:11:?NodeSwapStatus
        ObjectFieldSelector apiVersion:1:s fieldPath:2:s
        PersistentVolumeClaimSpec accessModes:1:*s resources:2:VolumeResourceRequirements volumeName:3:s \
        selector:4:?LabelSelector storageClassName:5:?s volumeMode:6:?s dataSource:7:?TypedLocalObjectReference \
        dataSourceRef:8:?TypedObjectReference volumeAttributesClassName:9:?s
        PersistentVolumeClaimTemplate metadata:1:ObjectMeta spec:2:PersistentVolumeClaimSpec
        PersistentVolumeClaimVolumeSource claimName:1:s readOnly:2:b
        PhotonPersistentDiskVolumeSource pdID:1:s fsType:2:s
        Pod metadata:1:ObjectMeta spec:2:PodSpec status:3:PodStatus
        PodAffinity requiredDuringSchedulingIgnoredDuringExecution:1:*PodAffinityTerm \
        preferredDuringSchedulingIgnoredDuringExecution:2:*WeightedPodAffinityTerm
        PodAffinityTerm labelSelector:1:?LabelSelector namespaces:2:*s topologyKey:3:s \
        namespaceSelector:4:?LabelSelector matchLabelKeys:5:*s mismatchLabelKeys:6:*s
        PodAntiAffinity requiredDuringSchedulingIgnoredDuringExecution:1:*PodAffinityTerm \
        preferredDuringSchedulingIgnoredDuringExecution:2:*WeightedPodAffinityTerm
        PodCertificateProjection signerName:1:s keyType:2:s maxExpirationSeconds:3:?i credentialBundlePath:4:s \
        keyPath:5:s certificateChainPath:6:s userAnnotations:7:ms
        PodCondition type:1:s status:2:s lastProbeTime:3:t lastTransitionTime:4:t reason:5:s message:6:s \
        observedGeneration:7:i
        PodDNSConfig nameservers:1:*s searches:2:*s options:3:*PodDNSConfigOption
        PodDNSConfigOption name:1:s value:2:?s
        PodExtendedResourceClaimStatus requestMappings:1:*ContainerExtendedResourceRequest resourceClaimName:2:s
        PodIP ip:1:s
        PodOS name:1:s
        PodReadinessGate conditionType:1:s
        PodResourceClaim name:1:s resourceClaimName:3:?s resourceClaimTemplateName:4:?s
        PodResourceClaimStatus name:1:s resourceClaimName:2:?s
        PodSchedulingGate name:1:s
        PodSecurityContext seLinuxOptions:1:?SELinuxOptions runAsUser:2:?i runAsNonRoot:3:?b supplementalGroups:4:*i \
        fsGroup:5:?i runAsGroup:6:?i sysctls:7:*Sysctl windowsOptions:8:?WindowsSecurityContextOptions \
        fsGroupChangePolicy:9:?s seccompProfile:10:?SeccompProfile appArmorProfile:11:?AppArmorProfile \
        supplementalGroupsPolicy:12:?s seLinuxChangePolicy:13:?s
        PodSpec volumes:1:*Volume containers:2:*Container restartPolicy:3:s terminationGracePeriodSeconds:4:?i \
        activeDeadlineSeconds:5:?i dnsPolicy:6:s nodeSelector:7:ms serviceAccountName:8:s serviceAccount:9:s \
        nodeName:10:s hostNetwork:11:b hostPID:12:b hostIPC:13:b securityContext:14:?PodSecurityContext \
        imagePullSecrets:15:*LocalObjectReference hostname:16:s subdomain:17:s affinity:18:?Affinity \
        schedulerName:19:s initContainers:20:*Container automountServiceAccountToken:21:?b \
        tolerations:22:*Toleration hostAliases:23:*HostAlias priorityClassName:24:s priority:25:?i \
        dnsConfig:26:?PodDNSConfig shareProcessNamespace:27:?b readinessGates:28:*PodReadinessGate \
        runtimeClassName:29:?s enableServiceLinks:30:?b preemptionPolicy:31:?s overhead:32:mq \
        topologySpreadConstraints:33:*TopologySpreadConstraint ephemeralContainers:34:*EphemeralContainer \
        setHostnameAsFQDN:35:?b os:36:?PodOS hostUsers:37:?b schedulingGates:38:*PodSchedulingGate \
        resourceClaims:39:*PodResourceClaim resources:40:?ResourceRequirements hostnameOverride:41:?s
        PodStatus phase:1:s conditions:2:*PodCondition message:3:s reason:4:s hostIP:5:s podIP:6:s startTime:7:?t \
        containerStatuses:8:*ContainerStatus qosClass:9:s initContainerStatuses:10:*ContainerStatus \
        nominatedNodeName:11:s podIPs:12:*PodIP ephemeralContainerStatuses:13:*ContainerStatus resize:14:s \
        resourceClaimStatuses:15:*PodResourceClaimStatus hostIPs:16:*HostIP observedGeneration:17:i \
        extendedResourceClaimStatus:18:?PodExtendedResourceClaimStatus allocatedResources:19:mq \
        resources:20:?ResourceRequirements
        PodTemplate metadata:1:ObjectMeta template:2:PodTemplateSpec
        PodTemplateSpec metadata:1:ObjectMeta spec:2:PodSpec
        PortworxVolumeSource volumeID:1:s fsType:2:s readOnly:3:b
        PreferredSchedulingTerm weight:1:i preference:2:NodeSelectorTerm
        Probe handler:1:+ProbeHandler initialDelaySeconds:2:i timeoutSeconds:3:i periodSeconds:4:i \
        successThreshold:5:i failureThreshold:6:i terminationGracePeriodSeconds:7:?i
        ProbeHandler exec:1:?ExecAction httpGet:2:?HTTPGetAction tcpSocket:3:?TCPSocketAction grpc:4:?GRPCAction
        ProjectedVolumeSource sources:1:*VolumeProjection defaultMode:2:?i
        QuobyteVolumeSource registry:1:s volume:2:s readOnly:3:b user:4:s group:5:s tenant:6:s
        RBDVolumeSource monitors:1:*s image:2:s fsType:3:s pool:4:s user:5:s keyring:6:s \
        secretRef:7:?LocalObjectReference readOnly:8:b
        ResourceClaim name:1:s request:2:s
        ResourceFieldSelector containerName:1:s resource:2:s divisor:3:q
        ResourceHealth resourceID:1:s health:2:s message:3:?s
        ResourceRequirements limits:1:mq requests:2:mq claims:3:*ResourceClaim
        ResourceStatus name:1:s resources:2:*ResourceHealth
        SELinuxOptions user:1:s role:2:s type:3:s level:4:s
        ScaleIOVolumeSource gateway:1:s system:2:s secretRef:3:?LocalObjectReference sslEnabled:4:b \
        protectionDomain:5:s storagePool:6:s storageMode:7:s volumeName:8:s fsType:9:s readOnly:10:b
        SeccompProfile type:1:s localhostProfile:2:?s
        SecretEnvSource localObjectReference:1:+LocalObjectReference optional:2:?b
        SecretKeySelector localObjectReference:1:+LocalObjectReference key:2:s optional:3:?b
        SecretProjection localObjectReference:1:+LocalObjectReference items:2:*KeyToPath optional:4:?b
        SecretVolumeSource secretName:1:s items:2:*KeyToPath defaultMode:3:?i optional:4:?b
        SecurityContext capabilities:1:?Capabilities privileged:2:?b seLinuxOptions:3:?SELinuxOptions runAsUser:4:?i \
        runAsNonRoot:5:?b readOnlyRootFilesystem:6:?b allowPrivilegeEscalation:7:?b runAsGroup:8:?i procMount:9:?s \
        windowsOptions:10:?WindowsSecurityContextOptions seccompProfile:11:?SeccompProfile \
        appArmorProfile:12:?AppArmorProfile
        ServiceAccountTokenProjection audience:1:s expirationSeconds:2:?i path:3:s
        SleepAction seconds:1:i
        StorageOSVolumeSource volumeName:1:s volumeNamespace:2:s fsType:3:s readOnly:4:b \
        secretRef:5:?LocalObjectReference
        Sysctl name:1:s value:2:s
        TCPSocketAction port:1:p host:2:s
        Taint key:1:s value:2:s effect:3:s timeAdded:4:?t
        Toleration key:1:s operator:2:s value:3:s effect:4:s tolerationSeconds:5:?i
        TopologySpreadConstraint maxSkew:1:i topologyKey:2:s whenUnsatisfiable:3:s labelSelector:4:?LabelSelector \
        minDomains:5:?i nodeAffinityPolicy:6:?s nodeTaintsPolicy:7:?s matchLabelKeys:8:*s
        TypedObjectReference apiGroup:1:?s kind:2:s name:3:s namespace:4:?s
        Volume name:1:s volumeSource:2:+VolumeSource
        VolumeDevice name:1:s devicePath:2:s
        VolumeMount name:1:s readOnly:2:b mountPath:3:s subPath:4:s mountPropagation:5:?s subPathExpr:6:s \
        recursiveReadOnly:7:?s
        VolumeMountStatus name:1:s mountPath:2:s readOnly:3:b recursiveReadOnly:4:?s
        VolumeProjection secret:1:?SecretProjection downwardAPI:2:?DownwardAPIProjection \
        configMap:3:?ConfigMapProjection serviceAccountToken:4:?ServiceAccountTokenProjection \
        clusterTrustBundle:5:?ClusterTrustBundleProjection podCertificate:6:?PodCertificateProjection
        VolumeResourceRequirements limits:1:mq requests:2:mq
        VolumeSource hostPath:1:?HostPathVolumeSource emptyDir:2:?EmptyDirVolumeSource \
        gcePersistentDisk:3:?GCEPersistentDiskVolumeSource awsElasticBlockStore:4:?AWSElasticBlockStoreVolumeSource \
        gitRepo:5:?GitRepoVolumeSource secret:6:?SecretVolumeSource nfs:7:?NFSVolumeSource \
        iscsi:8:?ISCSIVolumeSource glusterfs:9:?GlusterfsVolumeSource \
        persistentVolumeClaim:10:?PersistentVolumeClaimVolumeSource rbd:11:?RBDVolumeSource \
        flexVolume:12:?FlexVolumeSource cinder:13:?CinderVolumeSource cephfs:14:?CephFSVolumeSource \
        flocker:15:?FlockerVolumeSource downwardAPI:16:?DownwardAPIVolumeSource fc:17:?FCVolumeSource \
        azureFile:18:?AzureFileVolumeSource configMap:19:?ConfigMapVolumeSource \
        vsphereVolume:20:?VsphereVirtualDiskVolumeSource quobyte:21:?QuobyteVolumeSource \
        azureDisk:22:?AzureDiskVolumeSource photonPersistentDisk:23:?PhotonPersistentDiskVolumeSource \
        portworxVolume:24:?PortworxVolumeSource scaleIO:25:?ScaleIOVolumeSource projected:26:?ProjectedVolumeSource \
        storageos:27:?StorageOSVolumeSource csi:28:?CSIVolumeSource ephemeral:29:?EphemeralVolumeSource \
        image:30:?ImageVolumeSource
        VsphereVirtualDiskVolumeSource volumePath:1:s fsType:2:s storagePolicyName:3:s storagePolicyID:4:s
        WeightedPodAffinityTerm weight:1:i podAffinityTerm:2:PodAffinityTerm
        WindowsSecurityContextOptions gmsaCredentialSpecName:1:?s gmsaCredentialSpec:2:?s runAsUserName:3:?s \
        hostProcess:4:?b
        ContainerRestartRule action:1:s exitCodes:2:?ContainerRestartRuleOnExitCodes
        ContainerRestartRuleOnExitCodes operator:1:s values:2:*i
        FileKeySelector volumeName:1:s path:2:s key:3:s optional:4:?b
        """
}
