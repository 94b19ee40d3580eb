import APIResources
import CEL
import KubeModel

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
        var normalize: @Sendable ([UInt8]) -> [UInt8]
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
        var versions: [Compiled.Version] = []
        for version in spec.versions {
            guard let schema = schemas[version.name] else { continue }
            let definition = spec.definition(version, names: names)
            let form =
                version.name == kept.name
                ? nil
                : Self.storedForm(
                    definition, storage, schema: schema.schema, storageSchema: storageSchema.schema,
                    isSame: schema.json == storageSchema.json)
            let strategy = CustomResourceStrategy(
                definition: definition, schema: schema.schema, storedForm: form, scale: version.scale,
                selectableFieldNames: version.selectableFields, deprecationWarning: version.deprecationWarning,
                isTerminating: spec.isTerminating)
            versions.append(
                Compiled.Version(
                    strategy: strategy, columns: PrinterColumn.table(version.columns), isServed: version.isServed))
        }
        guard let own = versions.first(where: { $0.strategy.definition.version == kept.name }) else { return nil }
        let fields = Set(spec.versions.flatMap(\.selectableFields)).sorted()
        let content = storageSchema.json.encoded() + Array((storage.apiVersion + storage.kind + fields.joined()).utf8)
        return Compiled(
            versions: versions, storage: own, normalize: normalizer(storage, storageSchema.schema),
            storageHash: ContentHash.hex(content), selectableFields: fields)
    }

    /// Conversion strategy None: the version is another, and fields that its schema does not have go.
    private static func storedForm(
        _ definition: ResourceDefinition, _ storage: ResourceDefinition, schema: Schema, storageSchema: Schema,
        isSame: Bool
    ) -> StoredForm {
        var form = StoredForm(
            definition: storage,
            encode: { object in
                var object = object
                object["apiVersion"] = .string(storage.apiVersion)
                guard !isSame else { return object }
                // What is not known is not told: the client wrote what its own version knows.
                _ = storageSchema.pruneCustomObject(&object)
                storageSchema.applyDefaults(&object)
                return object
            },
            decode: { object in
                var object = object
                object["apiVersion"] = .string(definition.apiVersion)
                if !isSame { _ = schema.pruneCustomObject(&object) }
                return object
            })
        if isSame {
            let stored = Array("{\"apiVersion\":\(JSONValue.string(storage.apiVersion)),".utf8)
            let served = Array("{\"apiVersion\":\(JSONValue.string(definition.apiVersion)),".utf8)
            form.decodeBytes = { bytes in
                guard bytes.starts(with: stored) else { return nil }
                return served + bytes[stored.count...]
            }
        }
        return form
    }

    /// Objects may have been stored under another version or before the schema had a default.
    private static func normalizer(_ storage: ResourceDefinition, _ schema: Schema) -> @Sendable ([UInt8]) -> [UInt8] {
        { bytes in
            // What is in the store was JSON when it was written; anything else is served as it stands.
            guard var object = try? JSONParser.parse(bytes) else { return bytes }
            let before = object
            object["apiVersion"] = .string(storage.apiVersion)
            object["kind"] = .string(storage.kind)
            _ = schema.pruneCustomObject(&object)
            schema.applyDefaults(&object)
            return object == before ? bytes : object.encoded()
        }
    }
}
