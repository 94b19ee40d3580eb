import KubeModel

/// The rules of `v1.PodTemplateSpec` (kube-apiserver's ValidatePodTemplateSpec).
enum PodTemplateRules {
    static func check(_ template: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]) {
        checkMetadata(template, path, &errors)
        PodSpecRules(path: path.child("spec")).check(template?["spec"], &errors)
        if !(template["spec"]["ephemeralContainers"].array ?? []).isEmpty {
            errors.forbidden(
                path.child("spec").child("ephemeralContainers"), "ephemeral containers not allowed in pod template")
        }
    }

    /// Labels and annotations; the paths leave `metadata` out, as Kubernetes' do.
    static func checkMetadata(_ template: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]) {
        errors += Validation.labels(template["metadata"]["labels"].object?.strings ?? [:], at: path.child("labels"))
        errors += Validation.annotations(
            template["metadata"]["annotations"].object?.strings ?? [:], at: path.child("annotations"))
    }
}
