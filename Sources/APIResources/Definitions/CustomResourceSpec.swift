package import KubeModel

/// A CustomResourceDefinition, read: what is to be served, without the schemas.
package struct CustomResourceSpec: Sendable, Hashable {
    package struct Version: Sendable, Hashable {
        package var name: String
        package var isServed: Bool
        package var isStorage: Bool
        package var hasStatus: Bool
        package var scale: ScaleMapping?
        package var columns: [PrinterColumn]
        /// Without the leading dot, as field selectors name them.
        package var selectableFields: [String]
        /// What clients of a deprecated version are told.
        package var deprecationWarning: String?
    }

    /// `metadata.name`: `<plural>.<group>`.
    package var name: String
    package var uid: String
    /// Counts the changes of the spec.
    package var generation: Int
    package var group: String
    package var requestedNames: CustomResourceNames
    package var isNamespaced: Bool
    package var versions: [Version]
    /// Its deletion was asked for.
    package var isTerminating: Bool

    /// Reads a definition that passed validation; what is missing nevertheless is empty.
    package init(_ definition: JSONValue) {
        let spec = definition["spec"]
        name = definition["metadata"]["name"].string ?? ""
        uid = definition["metadata"]["uid"].string ?? ""
        generation = definition["metadata"]["generation"].int ?? 0
        group = spec["group"].string ?? ""
        requestedNames = CustomResourceNames(spec["names"])
        isNamespaced = spec["scope"] == "Namespaced"
        isTerminating = definition["metadata"]["deletionTimestamp"] != nil
        let documents = spec["versions"].array ?? []
        versions = documents.map { Self.version($0) }
        for (index, document) in documents.enumerated() where document["deprecated"].bool == true {
            versions[index].deprecationWarning =
                document["deprecationWarning"].string ?? defaultWarning(versions[index].name, documents)
        }
    }

    /// The version that objects are stored in.
    package var storageVersion: Version? { versions.first(where: \.isStorage) ?? versions.first }

    /// A version as discovery has it.
    package func definition(_ version: Version, names: CustomResourceNames) -> ResourceDefinition {
        var definition = ResourceDefinition(
            group: group, version: version.name, kind: names.kind, plural: names.plural, singular: names.singular,
            namespaced: isNamespaced, shortNames: names.shortNames, categories: names.categories,
            hasStatus: version.hasStatus)
        definition.listKind = names.listKind
        return definition
    }

    private static func version(_ document: JSONValue) -> Version {
        let subresources = document["subresources"]
        let scale = subresources["scale"].map { scale in
            ScaleMapping(
                specReplicasPath: keys(scale["specReplicasPath"].string ?? ""),
                statusReplicasPath: keys(scale["statusReplicasPath"].string ?? ""),
                labelSelectorPath: scale["labelSelectorPath"].string.flatMap { $0.isEmpty ? nil : keys($0) })
        }
        return Version(
            name: document["name"].string ?? "", isServed: document["served"].bool ?? false,
            isStorage: document["storage"].bool ?? false, hasStatus: subresources["status"] != nil, scale: scale,
            columns: (document["additionalPrinterColumns"].array ?? []).map { PrinterColumn($0) },
            selectableFields: (document["selectableFields"].array ?? []).compactMap {
                $0["jsonPath"].string.map { String($0.drop { $0 == "." }) }
            },
            deprecationWarning: nil)
    }

    /// `.spec.replicas` as its keys.
    private static func keys(_ path: String) -> [String] {
        path.split(separator: ".").map(String.init)
    }

    /// Names the newest version that is not deprecated, if there is a newer one.
    private func defaultWarning(_ version: String, _ documents: [JSONValue]) -> String {
        let kind = requestedNames.kind
        var warning = "\(group)/\(version) \(kind) is deprecated"
        let better = zip(versions, documents).filter { candidate, document in
            candidate.isServed && document["deprecated"].bool != true
                && VersionPriority(candidate.name) < VersionPriority(version)
        }
        if let newest = better.map(\.0.name).min(by: { VersionPriority($0) < VersionPriority($1) }) {
            warning += "; use \(group)/\(newest) \(kind)"
        }
        return warning
    }
}
