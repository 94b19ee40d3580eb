import KubeModel

/// The rules of `batch/v1 JobSpec` (kube-apiserver's validateJobSpec), but for the selector.
struct JobRules {
    /// "spec" of a Job, "spec.jobTemplate.spec" of a CronJob.
    let path: FieldPath

    private static let softLimit = 100_000
    private static let limitBeyond = 10_000

    func check(_ spec: JSONValue, _ errors: inout [FieldError]) {
        errors.nonnegative(
            path, spec,
            [
                "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
                "backoffLimitPerIndex", "maxFailedIndexes",
            ])
        if spec.at("maxFailedIndexes") != nil, spec.at("backoffLimitPerIndex") == nil {
            errors.required(path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified")
        }
        if let manager = spec["managedBy"]?.string {
            errors += Validation.domainPrefixedPath(manager, at: path.child("managedBy"))
            if manager.utf8.count > 63 { errors.tooLong(path.child("managedBy"), 63) }
        }
        let mode = spec["completionMode"]?.string
        if let mode { errors.oneOf(path.child("completionMode"), mode, ["Indexed", "NonIndexed"]) }
        if mode == "Indexed" { checkIndexed(spec, &errors) }
        if mode == nil || mode == "NonIndexed" {
            for key in ["backoffLimitPerIndex", "maxFailedIndexes"] {
                if let value = spec.at(key) {
                    errors.invalid(path.child(key), value, "requires indexed completion mode")
                }
            }
        }
        JobPolicyRules(spec: spec).check(path, &errors)
        PodTemplateRules.check(spec["template"], path.child("template"), &errors)
        checkRestartPolicy(spec, &errors)
    }

    private func checkIndexed(_ spec: JSONValue, _ errors: inout [FieldError]) {
        let completions = spec["completions"]?.int
        let parallelism = spec["parallelism"]?.int
        let failed = spec["maxFailedIndexes"]?.int
        if completions == nil { errors.required(path.child("completions"), "when completion mode is Indexed") }
        func refuse(_ key: String, _ reason: String) {
            errors.invalid(path.child(key), spec[key] ?? .null, "must be less than or equal to \(reason)")
        }
        if let parallelism, parallelism > Self.softLimit {
            refuse("parallelism", "\(Self.softLimit) when completion mode is Indexed")
        }
        if let completions, let failed, failed > completions { refuse("maxFailedIndexes", "completions") }
        if let failed, failed > Self.softLimit { refuse("maxFailedIndexes", "\(Self.softLimit)") }
        guard let completions, completions > Self.softLimit, spec.at("backoffLimitPerIndex") != nil else { return }
        if failed == nil {
            errors.required(
                path.child("maxFailedIndexes"), "must be specified when completions is above \(Self.softLimit)")
        }
        let reason =
            "\(Self.limitBeyond) when completions are above \(Self.softLimit) and used with backoff limit per index"
        if let parallelism, parallelism > Self.limitBeyond { refuse("parallelism", reason) }
        if let failed, failed > Self.limitBeyond { refuse("maxFailedIndexes", reason) }
    }

    private func checkRestartPolicy(_ spec: JSONValue, _ errors: inout [FieldError]) {
        let path = path.child("template").child("spec").child("restartPolicy")
        let policy = spec["template"]["spec"]["restartPolicy"].string ?? ""
        switch policy {
        case "", "Always": errors.required(path, "valid values: \"OnFailure\", \"Never\"")
        case "Never": break
        case "OnFailure":
            if spec.at("podFailurePolicy") != nil {
                errors.invalid(
                    path, .string(policy), "only \"Never\" is supported when podFailurePolicy is specified")
            }
        default: errors.notSupported(path, policy, ["OnFailure", "Never"])
        }
    }
}
