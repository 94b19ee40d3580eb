import APIResources
import KubeModel
import Store
import WatchCache

/// One write on its way to the store: the object as it is to be, and what has been found out about it.
struct WriteDraft: Sendable {
    let request: WriteRequest
    let change: Change
    /// The object as it is; nil for one that is to be created.
    let present: Present?
    /// In the served form, as it is to be stored.
    var object: JSONValue
    /// Texts for the client.
    var warnings: [String]
    /// `metadata.managedFields` as JSON; nil until that is known.
    var owners: [UInt8]?
    /// What the object claims; settled with the store's answer.
    private(set) var transaction: (any AllocationTransaction)?
    /// Whether the name was made by the server, who may make another.
    private(set) var isNameGenerated = false

    /// What the client says of the owners.
    private var givenOwners: JSONValue?
    /// A new object without what the server fills in, which nobody owns.
    private var owned: JSONValue?
    private var schemaErrors: [FieldError] = []

    struct Present: Sendable {
        let cached: CachedObject
        let live: LiveObject
    }

    init(
        _ request: WriteRequest, _ change: Change, present: Present?, object: JSONValue, warnings: [String],
        owners: [UInt8]? = nil
    ) {
        self.request = request
        self.change = change
        self.present = present
        self.object = object
        self.warnings = warnings
        self.owners = owners
    }

    var isNew: Bool { present == nil }
    var old: JSONValue? { present?.live.document }
    /// "" while a new object has none.
    var name: String { isNew ? object["metadata"]["name"].string ?? "" : request.name }
    /// A changed object that ends with this write claims nothing more.
    var isDeletion: Bool { !isNew && object.isDeletionComplete }

    /// Members of the texts that the object comes from.
    var knownMembers: [ParsedMembers] {
        let given: ParsedMembers? =
            switch change {
            case .create(_, let members): members
            case .replace(let replacement): replacement.members
            case .edit, .apply: nil
            }
        return [given, present?.live.members].compactMap(\.self)
    }

    private var strategy: any ResourceStrategy { request.strategy }
    private var resource: ServedResource { request.resource }
    private var context: StrategyContext { request.context(name: name) }

    // MARK: Who it is

    /// The names and version in the document of a new object.
    mutating func identifyNew() throws(Status) {
        givenOwners = FieldOwnership.takeManagedFields(from: &object)
        guard case .create = change else {
            return try request.alignIdentity(&object, expectedName: request.name)
        }
        try request.alignIdentity(&object, expectedName: nil)
        // kube-apiserver answers 500 here; it is the client that has to change something.
        let version = object["metadata"]["resourceVersion"].string ?? ""
        guard version.isEmpty || version == "0" else {
            throw Status.badRequest("resourceVersion should not be set on objects to be created")
        }
    }

    /// The client's own preconditions: the version and uid in its document.
    mutating func identifyChanged() throws(Status) {
        guard let cached = present?.cached else { return }
        givenOwners = FieldOwnership.takeManagedFields(from: &object)
        if let version = object["metadata"]["resourceVersion"].string, !version.isEmpty, version != "0" {
            guard let number = Int64(version) else {
                throw Status.invalid(
                    resource.definition.groupKind, request.name,
                    [
                        .invalid(
                            FieldPath("metadata", "resourceVersion"), .string(version),
                            "strconv.ParseUint: parsing \"\(version)\": invalid syntax")
                    ])
            }
            if number != cached.revision.rawValue { throw request.conflict() }
        }
        // In a patched document another uid is a change of the field; in a whole one it says which object is meant.
        if case .replace = change, let uid = object["metadata"]["uid"].string, !uid.isEmpty, uid != cached.uid {
            throw request.conflict(
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(cached.uid)")
        }
        try request.alignIdentity(&object, expectedName: request.name)
    }

    /// Sets what only the server may say, and makes a name when only its beginning was given.
    mutating func fillSystemMetadata() {
        var metadata = object["metadata"]?.object ?? JSONObject()
        if (metadata["name"].string ?? "").isEmpty, let base = metadata["generateName"].string, !base.isEmpty {
            metadata["name"] = .string(NameGenerator.name(from: base))
            isNameGenerated = true
        }
        metadata["uid"] = .string(NameGenerator.uid())
        metadata["creationTimestamp"] = .string(request.now.description)
        for field in ["generation", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "selfLink"] {
            metadata[field] = nil
        }
        object["metadata"] = .object(metadata)
        if let warning = OwnerReferences.removeDuplicates(from: &object) { warnings.append(warning) }
    }

    /// Fields that clients may leave out of an update keep their value.
    mutating func keepSystemMetadata() {
        let old = old?["metadata"]
        var metadata = object["metadata"]?.object ?? JSONObject()
        // What clients say about these counts for nothing (`rest.BeforeUpdate`).
        metadata["creationTimestamp"] = old["creationTimestamp"]
        if let moment = old["deletionTimestamp"] { metadata["deletionTimestamp"] = moment }
        for field in ["uid", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            let given = metadata[field]
            if given == nil || given == .null || given == "" { metadata[field] = old[field] }
        }
        metadata["generation"] = old["generation"]
        DocumentOrder.dropEmpty(&metadata)
        object["metadata"] = .object(metadata)
        if let warning = OwnerReferences.removeDuplicates(from: &object) { warnings.append(warning) }
    }

    // MARK: The schema

    /// Throws 413 where defaults make a small document a large one.
    mutating func applyDefaults() throws(Status) {
        guard let schema = resource.schema, !schema.applyDefaults(&object) else { return }
        throw Status.tooManyDefaults(of: resource.definition.groupResource)
    }

    /// What the schema finds is told together with what the kind's own rules find.
    mutating func checkSchema() {
        schemaErrors = resource.documentReader.schemaErrors(object, replacing: old)
    }

    // MARK: The kind's rules

    mutating func prepareNew() {
        let context = context
        strategy.prepareForCreate(&object, context)
        owned = object
        strategy.fillIn(&object, context)
        if strategy.generationRule != .none { object["metadata"]["generation"] = 1 }
    }

    mutating func prepareChanged() {
        guard let old else { return }
        let context = context
        switch request.subresource {
        case .status: strategy.prepareForStatusUpdate(&object, from: old, context)
        case nil, .scale: strategy.prepareForUpdate(&object, from: old, context)
        case .finalize:
            // `/finalize` of a Namespace takes the finalizers and nothing else.
            let finalizers = object["spec"]["finalizers"]
            object = old
            object["spec"]["finalizers"] = finalizers
        case .binding: break
        case .approval, .ephemeralcontainers: strategy.prepareForPartUpdate(&object, from: old, context)
        default: preconditionFailure("no document is written through another subresource")
        }
    }

    func validateNew() throws(Status) {
        try refuse(metadataErrors + strategy.validateCreate(object, context))
    }

    func validateChanged() throws(Status) {
        guard let old else { return }
        let errors = errors(from: old)
        guard !errors.isEmpty, !strategy.isCustomResource, let schema = resource.schema, !schema.fits(old) else {
            return try refuse(errors)
        }
        // Objects that an earlier version has stored may say what is left out today: that is no change.
        var decoded = old
        _ = schema.prune(&decoded)
        try refuse(self.errors(from: decoded))
    }

    private func errors(from old: JSONValue) -> [FieldError] {
        switch request.subresource {
        case .finalize, .binding: return []
        case .approval, .ephemeralcontainers:
            return metadataErrors + MetadataValidation.updateErrors(from: old, to: object)
                + strategy.validatePartUpdate(object, from: old, context)
        case .status:
            return metadataErrors + MetadataValidation.updateErrors(from: old, to: object)
                + strategy.validateStatusUpdate(object, from: old, context)
        default:
            return metadataErrors + MetadataValidation.updateErrors(from: old, to: object)
                + strategy.validateUpdate(object, from: old, context)
        }
    }

    private var metadataErrors: [FieldError] {
        MetadataValidation.errors(
            in: object, namespaced: resource.definition.namespaced, nameRule: strategy.nameRule,
            isBuiltIn: strategy.requiresQualifiedFinalizers)
    }

    /// Throws 422 with everything that is wrong; what a kind's own rule says about a field stands for the schema's word.
    private func refuse(_ errors: [FieldError]) throws(Status) {
        var all = errors
        if !schemaErrors.isEmpty {
            let named = Set(errors.map(\.field))
            // The map keys of the owners are the appliers' business: references with the same uid may stand there.
            all += schemaErrors.filter { error in
                !named.contains(error.field)
                    && !(error.kind == .duplicate && error.field.hasPrefix("metadata.ownerReferences["))
            }
        }
        guard all.isEmpty else { throw Status.invalid(resource.definition.groupKind, name, all) }
    }

    // MARK: Who owns it, and what it claims

    mutating func ownNew(_ resources: ServedResources) {
        if owners == nil {
            owners = FieldOwnership(request, resources).created(owned ?? object, given: givenOwners)
        }
        owned = nil
    }

    mutating func ownChanged(_ resources: ServedResources) {
        guard owners == nil, let live = present?.live else { return }
        owners = FieldOwnership(request, resources).updated(live, to: object, given: givenOwners)
    }

    /// Whether the object is to be as it is already, but for times in the record of its owners.
    var changesNothing: Bool {
        guard let live = present?.live else { return false }
        return !isDeletion && resource.isSame(object, live.document)
            && FieldOwnership.isSame(owners ?? [], live.managedFields)
    }

    mutating func countGeneration() {
        // Who binds a Pod does not change what is wanted of it.
        guard let old, request.subresource != .status, request.subresource != .binding,
            strategy.generationRule.counts(from: old, to: object)
        else { return }
        object["metadata"]["generation"] = .integer(Int64(old["metadata"]["generation"].int ?? 0) + 1)
    }

    mutating func collectWarnings() {
        guard isNew || request.subresource == nil else { return }
        warnings += strategy.warnings(for: object, replacing: old)
    }

    /// An object that goes away with this write claims nothing more; what it held is released once that is on disk.
    mutating func allocate() throws(Status) {
        guard isNew || request.subresource == nil, !isDeletion else { return }
        let (old, context) = (old, context)
        transaction = try strategy.allocate(&object, replacing: old, context)
    }
}

extension WriteRequest {
    /// Fills in the namespace of the path, and refuses a document that has another one, or another name than the path.
    func alignIdentity(_ object: inout JSONValue, expectedName: String?) throws(Status) {
        let given = object["metadata"]["namespace"].string ?? ""
        if !resource.definition.namespaced {
            object["metadata"]["namespace"] = nil
        } else if given.isEmpty {
            object["metadata"]["namespace"] = .string(namespace)
        } else if given != namespace {
            throw Status.badRequest(
                "the namespace of the provided object does not match the namespace sent on the request")
        }
        guard let expectedName else { return }
        let name = object["metadata"]["name"].string ?? ""
        if name.isEmpty {
            throw Status.badRequest(
                "the name of the object (\(expectedName) based on URL) was undeterminable: name must be provided")
        } else if name != expectedName {
            throw Status.badRequest(
                "the name of the object (\(name)) does not match the name on the URL (\(expectedName))")
        }
    }

    func conflict(_ reason: String = Status.modifiedMessage) -> Status {
        .conflict(resource.definition.groupResource, name, reason)
    }
}
