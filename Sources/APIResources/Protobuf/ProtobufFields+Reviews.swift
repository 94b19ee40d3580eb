extension ProtobufFields {
    /// Reviews, certificates and flows.
    static let accessTable = """
        BoundObjectReference kind:1:s apiVersion:2:s name:3:s uid:4:s
        CertificateSigningRequest metadata:1:ObjectMeta spec:2:CertificateSigningRequestSpec \
        status:3:CertificateSigningRequestStatus
        CertificateSigningRequestCondition type:1:s status:6:s reason:2:s message:3:s lastUpdateTime:4:t \
        lastTransitionTime:5:t
        CertificateSigningRequestSpec request:1:y signerName:7:s usages:5:*s username:2:s uid:3:s groups:4:*s \
        extra:6:mls expirationSeconds:8:?i
        CertificateSigningRequestStatus conditions:1:*CertificateSigningRequestCondition certificate:2:y
        ExemptPriorityLevelConfiguration nominalConcurrencyShares:1:?i lendablePercent:2:?i
        FieldSelectorAttributes rawSelector:1:s requirements:2:*FieldSelectorRequirement
        FieldSelectorRequirement key:1:s operator:2:s values:3:*s
        FlowDistinguisherMethod type:1:s
        FlowSchema metadata:1:ObjectMeta spec:2:FlowSchemaSpec status:3:FlowSchemaStatus
        FlowSchemaCondition type:1:s status:2:s lastTransitionTime:3:t reason:4:s message:5:s
        FlowSchemaSpec priorityLevelConfiguration:1:PriorityLevelConfigurationReference matchingPrecedence:2:i \
        distinguisherMethod:3:?FlowDistinguisherMethod rules:4:*PolicyRulesWithSubjects
        FlowSchemaStatus conditions:1:*FlowSchemaCondition
        FlowSubject kind:1:s user:2:?UserSubject group:3:?GroupSubject serviceAccount:4:?ServiceAccountSubject
        GroupSubject name:1:s
        LabelSelectorAttributes rawSelector:1:s requirements:2:*LabelSelectorRequirement
        LimitResponse type:1:s queuing:2:?QueuingConfiguration
        LimitedPriorityLevelConfiguration nominalConcurrencyShares:1:?i limitResponse:2:LimitResponse \
        lendablePercent:3:?i borrowingLimitPercent:4:?i
        LocalSubjectAccessReview metadata:1:ObjectMeta spec:2:SubjectAccessReviewSpec \
        status:3:SubjectAccessReviewStatus
        NonResourceAttributes path:1:s verb:2:s
        NonResourcePolicyRule verbs:1:*s nonResourceURLs:6:*s
        NonResourceRule verbs:1:*s nonResourceURLs:2:*s
        PolicyRulesWithSubjects subjects:1:*FlowSubject resourceRules:2:*ResourcePolicyRule \
        nonResourceRules:3:*NonResourcePolicyRule
        PriorityLevelConfiguration metadata:1:ObjectMeta spec:2:PriorityLevelConfigurationSpec \
        status:3:PriorityLevelConfigurationStatus
        PriorityLevelConfigurationCondition type:1:s status:2:s lastTransitionTime:3:t reason:4:s message:5:s
        PriorityLevelConfigurationReference name:1:s
        PriorityLevelConfigurationSpec type:1:s limited:2:?LimitedPriorityLevelConfiguration \
        exempt:3:?ExemptPriorityLevelConfiguration
        PriorityLevelConfigurationStatus conditions:1:*PriorityLevelConfigurationCondition
        QueuingConfiguration queues:1:i handSize:2:i queueLengthLimit:3:i
        ResourceAttributes namespace:1:s verb:2:s group:3:s version:4:s resource:5:s subresource:6:s name:7:s \
        fieldSelector:8:?FieldSelectorAttributes labelSelector:9:?LabelSelectorAttributes
        ResourcePolicyRule verbs:1:*s apiGroups:2:*s resources:3:*s clusterScope:4:b namespaces:5:*s
        ResourceRule verbs:1:*s apiGroups:2:*s resources:3:*s resourceNames:4:*s
        SelfSubjectAccessReview metadata:1:ObjectMeta spec:2:SelfSubjectAccessReviewSpec \
        status:3:SubjectAccessReviewStatus
        SelfSubjectAccessReviewSpec resourceAttributes:1:?ResourceAttributes \
        nonResourceAttributes:2:?NonResourceAttributes
        SelfSubjectReview metadata:1:ObjectMeta status:2:SelfSubjectReviewStatus
        SelfSubjectReviewStatus userInfo:1:UserInfo
        SelfSubjectRulesReview metadata:1:ObjectMeta spec:2:SelfSubjectRulesReviewSpec \
        status:3:SubjectRulesReviewStatus
        SelfSubjectRulesReviewSpec namespace:1:s
        ServiceAccountSubject namespace:1:s name:2:s
        SubjectAccessReview metadata:1:ObjectMeta spec:2:SubjectAccessReviewSpec status:3:SubjectAccessReviewStatus
        SubjectAccessReviewSpec resourceAttributes:1:?ResourceAttributes \
        nonResourceAttributes:2:?NonResourceAttributes user:3:s groups:4:*s extra:5:mls uid:6:s
        SubjectAccessReviewStatus allowed:1:b denied:4:b reason:2:s evaluationError:3:s
        SubjectRulesReviewStatus resourceRules:1:*ResourceRule nonResourceRules:2:*NonResourceRule incomplete:3:b \
        evaluationError:4:s
        TokenRequest metadata:1:ObjectMeta spec:2:TokenRequestSpec status:3:TokenRequestStatus
        TokenRequestSpec audiences:1:*s expirationSeconds:4:?i boundObjectRef:3:?BoundObjectReference
        TokenRequestStatus token:1:s expirationTimestamp:2:t
        TokenReview metadata:1:ObjectMeta spec:2:TokenReviewSpec status:3:TokenReviewStatus
        TokenReviewSpec token:1:s audiences:2:*s
        TokenReviewStatus authenticated:1:b user:2:UserInfo audiences:4:*s error:3:s
        UserInfo username:1:s uid:2:s groups:3:*s extra:4:mls
        UserSubject name:1:s
        """
}
