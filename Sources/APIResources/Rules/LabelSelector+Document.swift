package import KubeModel

extension LabelSelector {
    /// A selector as a document holds it; nil when it is absent.
    package init?(document: JSONValue?) {
        guard let object = document?.object else { return nil }
        self.init(
            matchLabels: object["matchLabels"]?.object?.strings,
            matchExpressions: object["matchExpressions"]?.array?.map { requirement in
                Requirement(
                    key: requirement.text("key"), operator: requirement.text("operator"),
                    values: requirement["values"]?.array?.compactMap(\.string))
            })
    }

    package var isEmpty: Bool { (matchLabels ?? [:]).isEmpty && (matchExpressions ?? []).isEmpty }

    /// Kubernetes: `LabelSelectorAsSelector`, where an absent selector takes nothing.
    /// - Throws: for an operator or a label that there is not.
    package static func matches(_ selector: LabelSelector?, _ labels: JSONValue?) throws(SelectorError) -> Bool {
        guard let selector else { return false }
        return try Selector(selector).matches(labels?.object?.strings ?? [:])
    }
}
