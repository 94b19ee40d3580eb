package import KubeModel

extension ResourceDefinition {
    /// A definition whose singular name is the kind in lower case.
    package static func builtIn(
        _ group: String, _ version: String, _ kind: String, _ plural: String, singular: String? = nil,
        namespaced: Bool = true, short: [String] = [], categories: [String] = [], hasStatus: Bool = false
    ) -> ResourceDefinition {
        ResourceDefinition(
            group: group, version: version, kind: kind, plural: plural, singular: singular ?? kind.lowercased(),
            namespaced: namespaced, shortNames: short, categories: categories, hasStatus: hasStatus)
    }
}
