extension ProtobufFields {
    /// Workloads and claims.
    static let workloadTable = """
        ControllerRevision metadata:1:ObjectMeta data:2:raw revision:3:i
        CronJob metadata:1:ObjectMeta spec:2:CronJobSpec status:3:CronJobStatus
        CronJobSpec schedule:1:s startingDeadlineSeconds:2:?i concurrencyPolicy:3:s suspend:4:?b \
        jobTemplate:5:JobTemplateSpec successfulJobsHistoryLimit:6:?i failedJobsHistoryLimit:7:?i timeZone:8:?s
        CronJobStatus active:1:*ObjectReference lastScheduleTime:4:?t lastSuccessfulTime:5:?t
        DaemonSet metadata:1:ObjectMeta spec:2:DaemonSetSpec status:3:DaemonSetStatus
        DaemonSetCondition type:1:s status:2:s lastTransitionTime:3:t reason:4:s message:5:s
        DaemonSetSpec selector:1:?LabelSelector template:2:PodTemplateSpec updateStrategy:3:DaemonSetUpdateStrategy \
        minReadySeconds:4:i revisionHistoryLimit:6:?i
        DaemonSetStatus currentNumberScheduled:1:i numberMisscheduled:2:i desiredNumberScheduled:3:i numberReady:4:i \
        observedGeneration:5:i updatedNumberScheduled:6:i numberAvailable:7:i numberUnavailable:8:i \
        collisionCount:9:?i conditions:10:*DaemonSetCondition
        DaemonSetUpdateStrategy type:1:s rollingUpdate:2:?RollingUpdateDaemonSet
        Deployment metadata:1:ObjectMeta spec:2:DeploymentSpec status:3:DeploymentStatus
        DeploymentCondition type:1:s status:2:s reason:4:s message:5:s lastUpdateTime:6:t lastTransitionTime:7:t
        DeploymentSpec replicas:1:?i selector:2:?LabelSelector template:3:PodTemplateSpec \
        strategy:4:DeploymentStrategy minReadySeconds:5:i revisionHistoryLimit:6:?i paused:7:b \
        progressDeadlineSeconds:9:?i podReplacementPolicy:10:s
        DeploymentStatus observedGeneration:1:i replicas:2:i updatedReplicas:3:i availableReplicas:4:i \
        unavailableReplicas:5:i conditions:6:*DeploymentCondition readyReplicas:7:i collisionCount:8:?i \
        terminatingReplicas:9:?i
        DeploymentStrategy type:1:s rollingUpdate:2:?RollingUpdateDeployment
        Job metadata:1:ObjectMeta spec:2:JobSpec status:3:JobStatus
        JobCondition type:1:s status:2:s lastProbeTime:3:t lastTransitionTime:4:t reason:5:s message:6:s
        JobSpec parallelism:1:?i completions:2:?i activeDeadlineSeconds:3:?i selector:4:?LabelSelector \
        manualSelector:5:?b template:6:PodTemplateSpec backoffLimit:7:?i ttlSecondsAfterFinished:8:?i \
        completionMode:9:?s suspend:10:?b podFailurePolicy:11:?PodFailurePolicy backoffLimitPerIndex:12:?i \
        maxFailedIndexes:13:?i podReplacementPolicy:14:?s managedBy:15:?s successPolicy:16:?SuccessPolicy
        JobStatus conditions:1:*JobCondition startTime:2:?t completionTime:3:?t active:4:i succeeded:5:i failed:6:i \
        completedIndexes:7:s uncountedTerminatedPods:8:?UncountedTerminatedPods ready:9:?i failedIndexes:10:?s \
        terminating:11:?i
        JobTemplateSpec metadata:1:ObjectMeta spec:2:JobSpec
        ModifyVolumeStatus targetVolumeAttributesClassName:1:s status:2:s
        PersistentVolumeClaim metadata:1:ObjectMeta spec:2:PersistentVolumeClaimSpec \
        status:3:PersistentVolumeClaimStatus
        PersistentVolumeClaimCondition type:1:s status:2:s lastProbeTime:3:t lastTransitionTime:4:t reason:5:s \
        message:6:s
        PersistentVolumeClaimStatus phase:1:s accessModes:2:*s capacity:3:mq \
        conditions:4:*PersistentVolumeClaimCondition allocatedResources:5:mq allocatedResourceStatuses:7:ms \
        currentVolumeAttributesClassName:8:?s modifyVolumeStatus:9:?ModifyVolumeStatus
        PodFailurePolicy rules:1:*PodFailurePolicyRule
        PodFailurePolicyOnExitCodesRequirement containerName:1:?s operator:2:s values:3:*i
        PodFailurePolicyOnPodConditionsPattern type:1:s status:2:s
        PodFailurePolicyRule action:1:s onExitCodes:2:?PodFailurePolicyOnExitCodesRequirement \
        onPodConditions:3:*PodFailurePolicyOnPodConditionsPattern
        ReplicaSet metadata:1:ObjectMeta spec:2:ReplicaSetSpec status:3:ReplicaSetStatus
        ReplicaSetCondition type:1:s status:2:s lastTransitionTime:3:t reason:4:s message:5:s
        ReplicaSetSpec replicas:1:?i selector:2:?LabelSelector template:3:PodTemplateSpec minReadySeconds:4:i
        ReplicaSetStatus replicas:1:i fullyLabeledReplicas:2:i observedGeneration:3:i readyReplicas:4:i \
        availableReplicas:5:i conditions:6:*ReplicaSetCondition terminatingReplicas:7:?i
        ReplicationController metadata:1:ObjectMeta spec:2:ReplicationControllerSpec \
        status:3:ReplicationControllerStatus
        ReplicationControllerCondition type:1:s status:2:s lastTransitionTime:3:t reason:4:s message:5:s
        ReplicationControllerSpec replicas:1:?i selector:2:ms template:3:?PodTemplateSpec minReadySeconds:4:i
        ReplicationControllerStatus replicas:1:i fullyLabeledReplicas:2:i observedGeneration:3:i readyReplicas:4:i \
        availableReplicas:5:i conditions:6:*ReplicationControllerCondition
        RollingUpdateDaemonSet maxUnavailable:1:?p maxSurge:2:?p
        RollingUpdateDeployment maxUnavailable:1:?p maxSurge:2:?p
        RollingUpdateStatefulSetStrategy partition:1:?i maxUnavailable:2:?p
        StatefulSet metadata:1:ObjectMeta spec:2:StatefulSetSpec status:3:StatefulSetStatus
        StatefulSetCondition type:1:s status:2:s lastTransitionTime:3:t reason:4:s message:5:s
        StatefulSetOrdinals start:1:i
        StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted:1:s whenScaled:2:s
        StatefulSetSpec replicas:1:?i selector:2:?LabelSelector template:3:PodTemplateSpec \
        volumeClaimTemplates:4:*PersistentVolumeClaim serviceName:5:s podManagementPolicy:6:s \
        updateStrategy:7:StatefulSetUpdateStrategy revisionHistoryLimit:8:?i minReadySeconds:9:i \
        persistentVolumeClaimRetentionPolicy:10:?StatefulSetPersistentVolumeClaimRetentionPolicy \
        ordinals:11:?StatefulSetOrdinals
        StatefulSetStatus observedGeneration:1:i replicas:2:i readyReplicas:3:i currentReplicas:4:i \
        updatedReplicas:5:i currentRevision:6:s updateRevision:7:s collisionCount:9:?i \
        conditions:10:*StatefulSetCondition availableReplicas:11:i
        StatefulSetUpdateStrategy type:1:s rollingUpdate:2:?RollingUpdateStatefulSetStrategy
        SuccessPolicy rules:1:*SuccessPolicyRule
        SuccessPolicyRule succeededIndexes:1:?s succeededCount:2:?i
        UncountedTerminatedPods succeeded:1:*s failed:2:*s
        """
}
