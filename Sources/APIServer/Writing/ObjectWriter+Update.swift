import APIResources
import KubeModel
import Store
import WatchCache

extension ObjectWriter {
    /// PUT of an object or of its `status`.
    func update(_ exchange: Exchange, _ operation: ResourceOperation, _ done: @escaping WriteCompletion) throws(Status)
    {
        let request = try writeRequest(exchange, operation, optionsKind: "UpdateOptions")
        var warnings: [String] = []
        var (document, members) = try request.documentReader.readWithMembers(
            exchange.request.body, contentType: exchange.request.contentType, request.options.fieldValidation,
            warnings: &warnings)
        try alignIdentity(&document, request, expectedName: request.name)
        try requireVersion(document, request)
        let wanted = document
        let change = Change(
            retriesLostRaces: (wanted["metadata"]["resourceVersion"].string ?? "").isEmpty, warnings: warnings,
            createsWhenMissing: request.subresource == nil && request.strategy.allowsCreateOnUpdate ? wanted : nil,
            members: members
        ) { (old, _) throws(Status) in try request.whole(wanted, of: old) }
        try apply(change, request, attempt: 1, done)
    }

    /// A function from the current document to the wanted one, and what to do around it.
    struct Change: Sendable {
        /// Without a version of the client's own, a lost race is nobody's concern but the server's.
        let retriesLostRaces: Bool
        /// Another uid in a patched document is a change of the field; in a whole one it says which object is meant.
        let isPatch: Bool
        let warnings: [String]
        /// What to create when the name does not exist; nil: 404.
        let createsWhenMissing: JSONValue?
        /// Whether `transform` wants to see `metadata.managedFields`.
        let readsManagedFields: Bool
        /// What the document may share with the object as it is now.
        let members: ParsedMembers?
        /// What is applied server-side, to a missing object too; `transform` then does nothing.
        let configuration: JSONValue?
        /// Served form in, served form out.
        let transform: @Sendable (_ old: JSONValue, _ warnings: inout [String]) throws(Status) -> JSONValue

        init(
            retriesLostRaces: Bool, isPatch: Bool = false, warnings: [String] = [],
            createsWhenMissing: JSONValue? = nil, readsManagedFields: Bool = false, members: ParsedMembers? = nil,
            transform: @escaping @Sendable (JSONValue, inout [String]) throws(Status) -> JSONValue
        ) {
            self.retriesLostRaces = retriesLostRaces
            self.isPatch = isPatch
            self.warnings = warnings
            self.createsWhenMissing = createsWhenMissing
            self.readsManagedFields = readsManagedFields
            self.members = members
            self.configuration = nil
            self.transform = transform
        }

        init(retriesLostRaces: Bool, warnings: [String], configuration: JSONValue) {
            self.retriesLostRaces = retriesLostRaces
            isPatch = true
            self.warnings = warnings
            createsWhenMissing = nil
            readsManagedFields = false
            members = nil
            self.configuration = configuration
            transform = { old, _ in old }
        }
    }

    /// Applies a change to the object as it is now.
    func apply(_ change: Change, _ request: WriteRequest, attempt: Int, _ done: @escaping WriteCompletion)
        throws(Status)
    {
        let resource = request.resource
        guard let current = resource.cache.get(namespace: request.namespace, name: request.name) else {
            if let configuration = change.configuration, request.subresource == nil {
                try createApplied(change, configuration, request, attempt: attempt, done)
                return
            }
            guard let document = change.createsWhenMissing else {
                throw Status.notFound(resource.definition.groupResource, request.name)
            }
            if let uid = document["metadata"]["uid"].string, !uid.isEmpty {
                throw conflict(
                    request, "Precondition failed: UID in precondition: \(uid), UID in object meta: ")
            }
            if let version = document["metadata"]["resourceVersion"].string, !version.isEmpty, version != "0" {
                throw Status.notFound(resource.definition.groupResource, request.name)
            }
            try create(
                request, document, warnings: change.warnings, attempt: 1, expectedName: request.name, done)
            return
        }
        var warnings = change.warnings
        let live = try resource.live(current, sharing: change.members)
        let old = live.document
        var object: JSONValue
        var owners: [UInt8]?
        if let configuration = change.configuration {
            (object, owners) = try applied(configuration, to: live, request, warnings: &warnings)
        } else {
            object = try change.transform(change.readsManagedFields ? try live.whole() : old, &warnings)
        }
        request.warnings?.add(warnings)
        let given = FieldOwnership.takeManagedFields(from: &object)
        try checkVersion(object, request, current, isPatch: change.isPatch)
        try fillFromOld(&object, old, request)
        try Self.applyDefaults(&object, resource.schema)
        let schemaErrors = resource.documentReader.schemaErrors(object, replacing: old)
        let context = request.context(name: request.name)
        try admit(&object, old, request, context, schemaErrors)
        let isDeletion = object.isDeletionComplete
        let managedFields = owners ?? FieldOwnership(request, resources).updated(live, to: object, given: given)

        if !isDeletion, resource.isSame(object, old), FieldOwnership.isSame(managedFields, live.managedFields) {
            done(response(request, stored: current.bytes, revision: nil, warnings: warnings))
            return
        }
        countGeneration(&object, old, request)
        if request.subresource == nil { warnings += request.strategy.warnings(for: object, replacing: old) }

        // An object that goes away with this update claims nothing more; what it held is released below, once.
        let transaction =
            request.subresource == nil && !isDeletion
            ? try request.strategy.allocate(&object, replacing: old, context) : nil
        let bytes = try resource.storedBytes(object, managedFields: managedFields)
        if request.options.isDryRun {
            transaction?.rollback()
            done(response(request, stored: bytes, revision: current.revision, warnings: warnings))
            return
        }
        let key = resource.key(namespace: request.namespace, name: request.name)
        let write: Write =
            isDeletion
            ? .delete(key: key, ifRevision: current.revision)
            : .update(key: key, value: bytes, ifRevision: current.revision)
        let companions =
            request.subresource == nil || isDeletion
            ? request.strategy.companions(of: isDeletion ? nil : object, replacing: old, context) : []
        let answerWarnings = warnings
        // What nobody needs any more goes on this thread, not on the store's.
        let released = isDeletion ? old : nil
        store.submit(write, companions: companions) { result in
            switch result {
            case .success(let outcome):
                transaction?.commit()
                if let released { request.strategy.release(released) }
                done(
                    self.committedResponse(
                        request, name: request.name, stored: bytes, revision: outcome.revision,
                        warnings: answerWarnings))
            case .failure(let error):
                transaction?.rollback()
                self.retry(change, request, attempt: attempt, after: error, done)
            }
        }
    }

    private func retry(
        _ change: Change, _ request: WriteRequest, attempt: Int, after error: StoreError,
        _ done: @escaping WriteCompletion
    ) {
        switch error.code {
        case .conflict, .notFound: break
        default:
            done(.failure(Self.status(error, request.resource, operation: "update")))
            return
        }
        guard change.retriesLostRaces, attempt < Self.maxAttempts else {
            done(.failure(conflict(request)))
            return
        }
        queue.run {
            do throws(Status) {
                try self.apply(change, request, attempt: attempt + 1, done)
            } catch {
                done(.failure(error))
            }
        }
    }

    func conflict(_ request: WriteRequest, _ reason: String = Status.modifiedMessage) -> Status {
        .conflict(request.resource.definition.groupResource, request.name, reason)
    }

    /// 422 for a document without a version, where the kind takes none.
    func requireVersion(_ document: JSONValue, _ request: WriteRequest) throws(Status) {
        guard !request.strategy.allowsUnconditionalUpdate,
            (document["metadata"]["resourceVersion"].string ?? "").isEmpty,
            request.resource.cache.get(namespace: request.namespace, name: request.name) != nil
        else { return }
        throw Status.invalid(
            request.resource.definition.groupKind, request.name,
            [.invalid(FieldPath("metadata", "resourceVersion"), 0, "must be specified for an update")])
    }

    /// The client's own preconditions: the version and uid in its document.
    private func checkVersion(
        _ object: JSONValue, _ request: WriteRequest, _ current: CachedObject, isPatch: Bool
    ) throws(Status) {
        if let version = object["metadata"]["resourceVersion"].string, !version.isEmpty, version != "0" {
            guard let number = Int64(version) else {
                throw Status.invalid(
                    request.resource.definition.groupKind, request.name,
                    [
                        .invalid(
                            FieldPath("metadata", "resourceVersion"), .string(version),
                            "strconv.ParseUint: parsing \"\(version)\": invalid syntax")
                    ])
            }
            if number != current.revision.rawValue { throw conflict(request) }
        }
        if !isPatch, let uid = object["metadata"]["uid"].string, !uid.isEmpty, uid != current.uid {
            throw conflict(
                request, "Precondition failed: UID in precondition: \(uid), UID in object meta: \(current.uid)")
        }
    }

    /// Fields that clients may leave out of an update keep their value.
    private func fillFromOld(_ object: inout JSONValue, _ old: JSONValue, _ request: WriteRequest) throws(Status) {
        try alignIdentity(&object, request, expectedName: request.name)
        var metadata = object["metadata"]?.object ?? JSONObject()
        // What clients say about these counts for nothing (`rest.BeforeUpdate`).
        metadata["creationTimestamp"] = old["metadata"]["creationTimestamp"]
        if let moment = old["metadata"]["deletionTimestamp"] { metadata["deletionTimestamp"] = moment }
        for field in ["uid", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            let given = metadata[field]
            if given == nil || given == .null || given == "" { metadata[field] = old["metadata"][field] }
        }
        metadata["generation"] = old["metadata"]["generation"]
        DocumentOrder.dropEmpty(&metadata)
        object["metadata"] = .object(metadata)
        if let warning = OwnerReferences.removeDuplicates(from: &object) { request.warnings?.add([warning]) }
    }

    private func admit(
        _ object: inout JSONValue, _ old: JSONValue, _ request: WriteRequest, _ context: StrategyContext,
        _ schemaErrors: [FieldError]
    ) throws(Status) {
        let strategy = request.strategy
        var errors: [FieldError]
        switch request.subresource {
        case .status:
            strategy.prepareForStatusUpdate(&object, from: old, context)
            errors = updateErrors(object, old, request)
            errors += strategy.validateStatusUpdate(object, from: old, context)
        case nil, .scale:
            strategy.prepareForUpdate(&object, from: old, context)
            errors = updateErrors(object, old, request)
            errors += strategy.validateUpdate(object, from: old, context)
        case .finalize:
            // `/finalize` of a Namespace takes the finalizers and nothing else.
            let finalizers = object["spec"]["finalizers"]
            object = old
            object["spec"]["finalizers"] = finalizers
            errors = []
        case .binding: errors = []
        case .approval, .ephemeralcontainers:
            strategy.prepareForPartUpdate(&object, from: old, context)
            errors = updateErrors(object, old, request)
            errors += strategy.validatePartUpdate(object, from: old, context)
        default: preconditionFailure("no document is written through another subresource")
        }
        try Self.refuse(request, name: request.name, errors, schemaErrors)
        try NodeRestriction.check(request, object, replacing: old)
    }

    private func updateErrors(_ object: JSONValue, _ old: JSONValue, _ request: WriteRequest) -> [FieldError] {
        MetadataValidation.errors(
            in: object, namespaced: request.resource.definition.namespaced, nameRule: request.strategy.nameRule,
            isBuiltIn: request.strategy.requiresQualifiedFinalizers)
            + MetadataValidation.updateErrors(from: old, to: object)
    }

    private func countGeneration(_ object: inout JSONValue, _ old: JSONValue, _ request: WriteRequest) {
        // Who binds a Pod does not change what is wanted of it.
        guard request.subresource != .status, request.subresource != .binding,
            request.strategy.generationRule.counts(from: old, to: object)
        else {
            return
        }
        object["metadata"]["generation"] = .integer(Int64(old["metadata"]["generation"].int ?? 0) + 1)
    }
}

extension GenerationRule {
    /// Whether a change is one that `metadata.generation` counts.
    func counts(from old: JSONValue, to new: JSONValue) -> Bool {
        switch self {
        case .none: false
        case .spec: old["spec"] != new["spec"]
        case .content: !Self.hasSameContent(old, new)
        case .contentAndStatus: !Self.hasSameContent(old, new) || old["status"] != new["status"]
        case .contentAndLabels:
            !Self.hasSameContent(old, new) || old["metadata"]["labels"] != new["metadata"]["labels"]
        }
    }

    private static func hasSameContent(_ old: JSONValue, _ new: JSONValue) -> Bool {
        guard case .object(let old) = old, case .object(let new) = new else { return old == new }
        return old.isEqual(to: new, ignoring: ["metadata", "status"])
    }
}
