import KubeModel

/// Field selectors may only name what the kind supports.
enum FieldSelectorCheck {
    /// - Throws: 400 for a field that is none of `metadata.name`, `metadata.namespace` and the kind's own.
    static func checked(_ selector: FieldSelector?, for resource: ServedResource) throws(Status) -> FieldSelector? {
        guard let selector else { return nil }
        for requirement in selector.requirements {
            let field = requirement.path
            guard
                field == "metadata.name" || field == "metadata.namespace"
                    || resource.strategy.selectableFieldNames.contains(field)
            else {
                throw Status.badRequest(
                    "field label not supported: \(field)")
            }
        }
        return selector
    }
}
