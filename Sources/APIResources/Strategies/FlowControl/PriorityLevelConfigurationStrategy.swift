import KubeModel

/// `flowcontrol.apiserver.k8s.io/v1.PriorityLevelConfiguration`: kept and checked; nothing acts on it yet.
struct PriorityLevelConfigurationStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        FlowSchemaStrategy.group, "v1", "PriorityLevelConfiguration", "prioritylevelconfigurations", namespaced: false,
        hasStatus: true)
    let generationRule = GenerationRule.spec

    private static let mostQueues = 10_000_000

    /// A level with queues has those of the defaults (`SetDefaults_QueuingConfiguration`); the schema fills in the rest.
    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) { object["status"] = [:] }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("spec")
        let spec = object["spec"] ?? [:]
        let type = spec.text("type")
        let (exempt, limited) = (spec.at("exempt"), spec.at("limited"))
        switch type {
        case "Exempt":
            if limited != nil {
                errors.forbidden(path.child("limited"), "must be nil if the type is not Limited")
            }
            if let exempt { checkShares(exempt, path.child("exempt"), least: 0, &errors) }
        case "Limited":
            if exempt != nil { errors.forbidden(path.child("exempt"), "must be nil if the type is Limited") }
            if let limited {
                checkShares(limited, path.child("limited"), least: 0, &errors)
                checkResponse(
                    limited["limitResponse"] ?? [:], path.child("limited").child("limitResponse"), &errors)
            } else {
                errors.required(path.child("limited"), "must not be empty when type is Limited")
            }
        case let other: errors.notSupported(path.child("type"), other, ["Exempt", "Limited"])
        }
        return errors
    }

    private func checkShares(_ level: JSONValue, _ path: FieldPath, least: Int, _ errors: inout [FieldError]) {
        if let shares = level.at("nominalConcurrencyShares"), (shares.int ?? 0) < least {
            errors.invalid(path.child("nominalConcurrencyShares"), shares, "must be a non-negative integer")
        }
        if let percent = level.at("lendablePercent"), !(0...100).contains(percent.int ?? 0) {
            errors.invalid(path.child("lendablePercent"), percent, "must be between 0 and 100, inclusive")
        }
        if let percent = level.at("borrowingLimitPercent"), (percent.int ?? 0) < 0 {
            errors.invalid(path.child("borrowingLimitPercent"), percent, "if specified, must be a non-negative integer")
        }
    }

    private func checkResponse(_ response: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        switch response.text("type") {
        case "Reject":
            if response.at("queuing") != nil {
                errors.forbidden(path.child("queuing"), "must be nil if limited.limitResponse.type is not Limited")
            }
        case "Queue":
            guard let queuing = response.at("queuing") else {
                return errors.required(
                    path.child("queuing"), "must not be empty if limited.limitResponse.type is Limited")
            }
            checkQueues(queuing, path.child("queuing"), &errors)
        case let other: errors.notSupported(path.child("type"), other, ["Queue", "Reject"])
        }
    }

    private func checkQueues(_ queuing: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        for key in ["queueLengthLimit", "queues", "handSize"] where (queuing[key]?.int ?? 0) <= 0 {
            errors.invalid(path.child(key), queuing[key] ?? 0, "must be positive")
        }
        let (queues, hand) = (queuing["queues"]?.int ?? 0, queuing["handSize"]?.int ?? 0)
        if queues > Self.mostQueues {
            errors.invalid(path.child("queues"), queuing["queues"] ?? 0, "must not be greater than \(Self.mostQueues)")
        }
        if hand > queues {
            errors.invalid(
                path.child("handSize"), queuing["handSize"] ?? 0,
                "should not be greater than queues (\(queues))")
        }
    }
}
