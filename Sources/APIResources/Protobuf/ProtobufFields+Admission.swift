extension ProtobufFields {
    /// Webhooks, policies and aggregation.
    static let admissionTable = """
        APIService metadata:1:ObjectMeta spec:2:APIServiceSpec status:3:APIServiceStatus
        APIServiceCondition type:1:s status:2:s lastTransitionTime:3:t reason:4:s message:5:s
        APIServiceReference namespace:1:s name:2:s port:3:?i
        APIServiceSpec service:1:?APIServiceReference group:2:s version:3:s insecureSkipTLSVerify:4:b caBundle:5:y \
        groupPriorityMinimum:7:i versionPriority:8:i
        APIServiceStatus conditions:1:*APIServiceCondition
        ApplyConfiguration expression:1:s
        AuditAnnotation key:1:s valueExpression:2:s
        ExpressionWarning fieldRef:2:s warning:3:s
        JSONPatch expression:1:s
        MatchCondition name:1:s expression:2:s
        MatchResources namespaceSelector:1:?LabelSelector objectSelector:2:?LabelSelector \
        resourceRules:3:*NamedRuleWithOperations excludeResourceRules:4:*NamedRuleWithOperations matchPolicy:7:?s
        MutatingAdmissionPolicy metadata:1:ObjectMeta spec:2:MutatingAdmissionPolicySpec
        MutatingAdmissionPolicyBinding metadata:1:ObjectMeta spec:2:MutatingAdmissionPolicyBindingSpec
        MutatingAdmissionPolicyBindingSpec policyName:1:s paramRef:2:?ParamRef matchResources:3:?MatchResources
        MutatingAdmissionPolicySpec paramKind:1:?ParamKind matchConstraints:2:?MatchResources variables:3:*Variable \
        mutations:4:*Mutation failurePolicy:5:?s matchConditions:6:*MatchCondition reinvocationPolicy:7:s
        MutatingWebhook name:1:s clientConfig:2:WebhookClientConfig rules:3:*RuleWithOperations failurePolicy:4:?s \
        matchPolicy:9:?s namespaceSelector:5:?LabelSelector objectSelector:11:?LabelSelector sideEffects:6:?s \
        timeoutSeconds:7:?i admissionReviewVersions:8:*s reinvocationPolicy:10:?s matchConditions:12:*MatchCondition
        MutatingWebhookConfiguration metadata:1:ObjectMeta webhooks:2:*MutatingWebhook
        Mutation patchType:2:s applyConfiguration:3:?ApplyConfiguration jsonPatch:4:?JSONPatch
        NamedRuleWithOperations resourceNames:1:*s ruleWithOperations:2:+RuleWithOperations
        ParamKind apiVersion:1:s kind:2:s
        ParamRef name:1:s namespace:2:s selector:3:?LabelSelector parameterNotFoundAction:4:?s
        Rule apiGroups:1:*s apiVersions:2:*s resources:3:*s scope:4:?s
        RuleWithOperations operations:1:*s rule:2:+Rule
        ServiceReference namespace:1:s name:2:s path:3:?s port:4:?i
        TypeChecking expressionWarnings:1:*ExpressionWarning
        ValidatingAdmissionPolicy metadata:1:ObjectMeta spec:2:ValidatingAdmissionPolicySpec \
        status:3:ValidatingAdmissionPolicyStatus
        ValidatingAdmissionPolicyBinding metadata:1:ObjectMeta spec:2:ValidatingAdmissionPolicyBindingSpec
        ValidatingAdmissionPolicyBindingSpec policyName:1:s paramRef:2:?ParamRef matchResources:3:?MatchResources \
        validationActions:4:*s
        ValidatingAdmissionPolicySpec paramKind:1:?ParamKind matchConstraints:2:?MatchResources \
        validations:3:*Validation failurePolicy:4:?s auditAnnotations:5:*AuditAnnotation \
        matchConditions:6:*MatchCondition variables:7:*Variable
        ValidatingAdmissionPolicyStatus observedGeneration:1:i typeChecking:2:?TypeChecking conditions:3:*Condition
        ValidatingWebhook name:1:s clientConfig:2:WebhookClientConfig rules:3:*RuleWithOperations failurePolicy:4:?s \
        matchPolicy:9:?s namespaceSelector:5:?LabelSelector objectSelector:10:?LabelSelector sideEffects:6:?s \
        timeoutSeconds:7:?i admissionReviewVersions:8:*s matchConditions:11:*MatchCondition
        ValidatingWebhookConfiguration metadata:1:ObjectMeta webhooks:2:*ValidatingWebhook
        Validation expression:1:s message:2:s reason:3:?s messageExpression:4:s
        Variable name:1:s expression:2:s
        WebhookClientConfig url:3:?s service:1:?ServiceReference caBundle:2:y
        """
}
