import APIResources
import CEL
import KubeModel
import WatchCache

/// A CustomResourceDefinition → what serves its versions. Pure: it knows no store and no cache.
enum CustomResourceCompiler {
    /// Every version, served or not, with the strategy and columns that serve it.
    struct Compiled: Sendable {
        struct Version: Sendable {
            var strategy: CustomResourceStrategy
            var columns: TableColumns
            var isServed: Bool
        }

        var versions: [Version]
        var storage: Version
        /// Brings an object of the store into the shape that the storage version's schema wants now.
        var normalize: @Sendable ([UInt8]) -> NormalizedObject
        /// Stands for all that `normalize` and the cache's selectable fields depend on.
        var storageHash: String
        /// What field selectors of any version may name.
        var selectableFields: [String]
    }

    /// - Parameters:
    ///   - document: the definition, which passed validation.
    ///   - names: those that were accepted.
    /// - Throws: when a schema can't be compiled after all.
    static func compile(_ document: JSONValue, _ spec: CustomResourceSpec, names: CustomResourceNames)
        throws(SchemaError) -> Compiled?
    {
        guard let kept = spec.storageVersion else { return nil }
        let storage = spec.definition(kept, names: names)
        let documents = document["spec"]["versions"].array ?? []
        var schemas: [String: (json: JSONValue, schema: Schema)] = [:]
        for version in documents {
            let json = version["schema"]["openAPIV3Schema"] ?? ["type": "object"]
            let name = version["name"].string ?? ""
            // Versions with one schema share it.
            if let same = schemas.values.first(where: { $0.json == json }) {
                schemas[name] = same
            } else {
                schemas[name] = (
                    json, try Schema(customObject: json, components: CustomResourceComponents.metadata, rules: .cel)
                )
            }
        }
        guard let storageSchema = schemas[kept.name] else { return nil }
        let conversion = CustomResourceConversion(document)
        var versions: [Compiled.Version] = []
        for version in spec.versions {
            guard let schema = schemas[version.name] else { continue }
            let definition = spec.definition(version, names: names)
            let form = conversion.storedForm(
                definition, storage, schema: schema.schema, storageSchema: storageSchema.schema,
                isSame: schema.json == storageSchema.json)
            let strategy = CustomResourceStrategy(
                definition: definition, schema: schema.schema, storedForm: form, scale: version.scale,
                selectableFieldNames: version.selectableFields, deprecationWarning: version.deprecationWarning,
                mostAddedByDefaults: schema.schema.mostAddedByDefaults, isTerminating: spec.isTerminating)
            versions.append(
                Compiled.Version(
                    strategy: strategy, columns: PrinterColumn.table(version.columns), isServed: version.isServed))
        }
        guard var own = versions.first(where: { $0.strategy.definition.version == kept.name }) else { return nil }
        // Objects are emptied out and swept whatever version they were kept in.
        own.strategy.storedForm = nil
        let fields = Set(spec.versions.flatMap(\.selectableFields)).sorted()
        let content =
            storageSchema.json.encoded()
            + Array("\(storage.apiVersion)\(storage.kind)\(fields.joined())\(conversion)".utf8)
        return Compiled(
            versions: versions, storage: own, normalize: conversion.normalizer(storage, storageSchema.schema),
            storageHash: ContentHash.hex(content), selectableFields: fields)
    }
}
