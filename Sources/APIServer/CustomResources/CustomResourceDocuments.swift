import APIResources
import KubeModel
import WatchCache

/// The OpenAPI documents of the custom resources that are served, one for each group and version.
struct CustomResourceDocuments: OpenAPISource {
    let definitions: CustomResourceRunner

    var documents: [OpenAPIService.AddedDocument] {
        var groups: [GroupVersion: [CustomResourceSpec]] = [:]
        for spec in definitions.established {
            for version in spec.versions where version.isServed {
                groups[GroupVersion(group: spec.group, version: version.name), default: []].append(spec)
            }
        }
        return groups.sorted { $0.key.description < $1.key.description }.map { groupVersion, specs in
            let specs = specs.sorted { $0.name < $1.name }
            // The generation stands for all that the document is made from: it is rendered when somebody reads it.
            let text = specs.map { "\($0.name) \($0.uid) \($0.generation)" }.joined(separator: "\n")
            return OpenAPIService.AddedDocument(
                path: "apis/\(groupVersion)", hash: ContentHash.hex(Array("\(groupVersion)\n\(text)".utf8)),
                render: { render(groupVersion, specs) })
        }
    }

    private func render(_ groupVersion: GroupVersion, _ specs: [CustomResourceSpec]) -> [UInt8] {
        let resources: [CustomResourceOpenAPI.Resource] = specs.compactMap { spec in
            guard let version = spec.versions.first(where: { $0.name == groupVersion.version }),
                let entry = definitions.entry(spec.name),
                let cached = definitions.definitions.cache.get(namespace: "", name: spec.name),
                // Gone or unreadable: the document does without it.
                let document = try? definitions.definitions.served(cached)
            else { return nil }
            let schema = (document["spec"]["versions"].array ?? []).first { $0["name"].string == version.name }?[
                "schema"]
            return CustomResourceOpenAPI.Resource(
                definition: spec.definition(version, names: entry.accepted),
                schema: schema["openAPIV3Schema"] ?? ["type": "object"], hasScale: version.scale != nil)
        }
        return CustomResourceOpenAPI(groupVersion: groupVersion, resources: resources).document.encoded()
    }
}
