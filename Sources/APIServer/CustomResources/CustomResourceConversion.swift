import APIResources
import KubeModel
import WatchCache

/// How the objects of a custom resource get from the version they are kept in to the one that is asked for.
enum CustomResourceConversion: Hashable {
    /// The version is another, and fields that its schema does not have go.
    case none
    /// A webhook converts. It is not called yet: what needs it fails, in the words that Kubernetes has for a webhook that
    /// can't be reached, and what is kept in the version that is asked for does not need it.
    case webhook(mayHoldOtherVersions: Bool)

    /// - Parameter definition: one that passed validation.
    init(_ definition: JSONValue) {
        guard definition["spec"]["conversion"]["strategy"] == "Webhook" else {
            self = .none
            return
        }
        self = .webhook(mayHoldOtherVersions: (definition["status"]["storedVersions"].array ?? []).count > 1)
    }

    /// How a version is kept; nil: as it is served.
    /// - Parameter isSame: the two schemas are one.
    func storedForm(
        _ served: ResourceDefinition, _ storage: ResourceDefinition, schema: Schema, storageSchema: Schema, isSame: Bool
    ) -> StoredForm? {
        let isStorage = served.version == storage.version
        switch self {
        case .none:
            guard !isStorage else { return nil }
            return Self.renaming(served, storage, schema: schema, storageSchema: storageSchema, isSame: isSame)
        case .webhook(let mayHoldOtherVersions):
            guard !isStorage || mayHoldOtherVersions else { return nil }
            return Self.refusing(served, storage, schema: schema)
        }
    }

    /// Objects may have been stored under another version or before the schema had a default: brings them into the shape
    /// that the storage version's schema wants now. What only a webhook could convert stays as it is, and defaults that would
    /// make too much of an object are left out, all of them.
    func normalizer(_ storage: ResourceDefinition, _ schema: Schema) -> @Sendable ([UInt8]) -> NormalizedObject {
        let convertsOthers = self == .none
        return { bytes in
            // What is in the store was JSON when it was written; anything else is served as it stands.
            guard var object = try? JSONParser.parse(bytes),
                convertsOthers || object["apiVersion"].string == storage.apiVersion
            else { return NormalizedObject(bytes) }
            let before = object
            object["apiVersion"] = .string(storage.apiVersion)
            object["kind"] = .string(storage.kind)
            _ = schema.pruneCustomObject(&object)
            let isComplete = schema.applyAllDefaults(&object)
            return NormalizedObject(object == before ? bytes : object.encoded(), lacksDefaults: !isComplete)
        }
    }

    private static func renaming(
        _ served: ResourceDefinition, _ storage: ResourceDefinition, schema: Schema, storageSchema: Schema, isSame: Bool
    ) -> StoredForm {
        var form = StoredForm(
            definition: storage,
            encode: { object throws(Status) in
                var object = object
                object["apiVersion"] = .string(storage.apiVersion)
                guard !isSame else { return object }
                // What is not known is not told: the client wrote what its own version knows.
                _ = storageSchema.pruneCustomObject(&object)
                guard storageSchema.applyAllDefaults(&object) else {
                    throw Status.tooManyDefaults(of: storage.groupResource)
                }
                return object
            },
            decode: { object in
                var object = object
                object["apiVersion"] = .string(served.apiVersion)
                if !isSame { _ = schema.pruneCustomObject(&object) }
                return object
            })
        if isSame {
            let stored = Self.head(storage)
            let shown = Self.head(served)
            form.decodeBytes = { bytes in bytes.starts(with: stored) ? shown + bytes[stored.count...] : nil }
        }
        return form
    }

    private static func refusing(_ served: ResourceDefinition, _ storage: ResourceDefinition, schema: Schema)
        -> StoredForm
    {
        let isStorage = served.version == storage.version
        var form = StoredForm(
            definition: storage,
            encode: { object throws(Status) in
                guard isStorage else { throw failure(served.apiVersion, served.kind, kept: storage.apiVersion) }
                return object
            },
            decode: { object throws(Status) in
                let kept = object["apiVersion"].string ?? ""
                guard kept == served.apiVersion else {
                    throw failure(kept, object["kind"].string ?? served.kind, kept: storage.apiVersion)
                }
                var object = object
                if !isStorage {
                    _ = schema.pruneCustomObject(&object)
                    _ = schema.applyAllDefaults(&object)
                }
                return object
            })
        if isStorage {
            let head = Self.head(storage)
            form.decodeBytes = { bytes in bytes.starts(with: head) ? bytes : nil }
        }
        return form
    }

    /// How the bytes of an object of a version begin.
    private static func head(_ definition: ResourceDefinition) -> [UInt8] {
        Array("{\"apiVersion\":\(JSONValue.string(definition.apiVersion)),".utf8)
    }

    /// Kubernetes' words for a conversion that failed; they name the version that is converted from.
    private static func failure(_ apiVersion: String, _ kind: String, kept: String) -> Status {
        Status(
            code: 500, reason: .internalError,
            message: "conversion webhook for \(apiVersion), Kind=\(kind) failed: this server does not call conversion "
                + "webhooks; objects are kept in \(kept) and can be used in that version")
    }
}
