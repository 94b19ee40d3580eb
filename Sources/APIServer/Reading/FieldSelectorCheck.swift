import APIResources
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
                // Kubernetes has one wording for kinds with selectable fields of their own and one for the others.
                throw Status.badRequest(
                    resource.strategy.selectableFieldNames.isEmpty && !resource.strategy.isCustomResource
                        ? "\(goQuoted(field)) is not a known field selector: only \"metadata.name\", "
                            + "\"metadata.namespace\""
                        : "field label not supported: \(field)")
            }
        }
        return selector
    }
}
