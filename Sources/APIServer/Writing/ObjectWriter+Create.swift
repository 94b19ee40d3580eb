import APIResources
import KubeModel
import Store
import WatchCache

extension ObjectWriter {
    /// POST to a collection.
    func create(_ exchange: Exchange, _ operation: ResourceOperation, _ done: @escaping WriteCompletion) throws(Status)
    {
        let request = try writeRequest(exchange, operation, optionsKind: "CreateOptions")
        let reader = request.resource.documentReader
        var warnings: [String] = []
        let document = try reader.read(
            exchange.request.body, contentType: exchange.request.contentType, request.options.fieldValidation,
            warnings: &warnings)
        try create(request, document, warnings: warnings, attempt: 1, done)
    }

    /// Stores `document` as a new object; also what PUT of a missing name leads to, and applying to one.
    /// - Parameters:
    ///   - owners: `metadata.managedFields`, where that is known already.
    ///   - whenExists: what to do when another request was faster; nil: 409.
    func create(
        _ request: WriteRequest, _ document: JSONValue, warnings: [String], attempt: Int, expectedName: String? = nil,
        owners: [UInt8]? = nil, whenExists: (@Sendable () throws(Status) -> Void)? = nil,
        _ done: @escaping WriteCompletion
    ) throws(Status) {
        request.warnings?.add(warnings)
        var object = document
        let given = FieldOwnership.takeManagedFields(from: &object)
        try alignIdentity(&object, request, expectedName: expectedName)
        // kube-apiserver answers 500 here; it is the client that has to change something.
        let version = object["metadata"]["resourceVersion"].string ?? ""
        if expectedName == nil, !version.isEmpty, version != "0" {
            throw Status.badRequest("resourceVersion should not be set on objects to be created")
        }
        try namespaces.admitCreate(request, name: object["metadata"]["name"].string ?? "")
        let generates = fillSystemMetadata(&object, request)
        try Self.applyDefaults(&object, request.resource.schema)
        let schemaErrors = request.resource.documentReader.schemaErrors(object)
        let name = object["metadata"]["name"].string ?? ""
        let context = request.context(name: name)
        request.strategy.prepareForCreate(&object, context)
        try NodeRestriction.check(request, object, replacing: nil)
        let owned = object
        request.strategy.fillIn(&object, context)
        if request.strategy.generationRule != .none { object["metadata"]["generation"] = 1 }
        let errors =
            MetadataValidation.errors(
                in: object, namespaced: request.resource.definition.namespaced, nameRule: request.strategy.nameRule,
                isBuiltIn: request.strategy.requiresQualifiedFinalizers)
            + request.strategy.validateCreate(object, context)
        try Self.refuse(request, name: name, errors, schemaErrors)
        let allWarnings = warnings + request.strategy.warnings(for: object, replacing: nil)

        let managedFields =
            owners ?? FieldOwnership(request, resources).created(owned, given: given)
        let transaction = try request.strategy.allocate(&object, replacing: nil, context)
        let bytes = try request.resource.storedBytes(object, managedFields: managedFields)
        if request.options.isDryRun {
            transaction?.rollback()
            if request.resource.cache.get(namespace: request.namespace, name: name) != nil {
                throw Status.alreadyExists(request.resource.definition.groupResource, name)
            }
            done(response(request, status: 201, stored: bytes, revision: nil, warnings: allWarnings))
            return
        }
        let key = request.resource.key(namespace: request.namespace, name: name)
        let companions = request.strategy.companions(of: object, replacing: nil, context)
        store.submit(.create(key: key, value: bytes), companions: companions) { result in
            switch result {
            case .success(let outcome):
                transaction?.commit()
                done(
                    self.committedResponse(
                        request, name: name, status: 201, stored: outcome.value, revision: outcome.revision,
                        warnings: allWarnings))
            case .failure(let error):
                transaction?.rollback()
                guard case .exists = error.code else {
                    done(.failure(Self.status(error, request.resource, operation: "create")))
                    return
                }
                if let whenExists {
                    self.queue.run {
                        do throws(Status) {
                            try whenExists()
                        } catch {
                            done(.failure(error))
                        }
                    }
                    return
                }
                guard generates else {
                    done(.failure(.alreadyExists(request.resource.definition.groupResource, name)))
                    return
                }
                guard attempt < 8 else {
                    done(.failure(.generateNameConflict(request.resource.definition.groupResource, name)))
                    return
                }
                self.queue.run {
                    do throws(Status) {
                        try self.create(request, document, warnings: warnings, attempt: attempt + 1, done)
                    } catch {
                        done(.failure(error))
                    }
                }
            }
        }
    }

    /// Fills in the namespace of the path, and refuses a document that has another one, or another name than the path.
    func alignIdentity(_ object: inout JSONValue, _ request: WriteRequest, expectedName: String?) throws(Status) {
        let namespace = object["metadata"]["namespace"].string ?? ""
        if !request.resource.definition.namespaced {
            object["metadata"]["namespace"] = nil
        } else if namespace.isEmpty {
            object["metadata"]["namespace"] = .string(request.namespace)
        } else if namespace != request.namespace {
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

    /// Sets what only the server may say, and makes a name when only its beginning was given.
    /// - Returns: whether the name was made here.
    private func fillSystemMetadata(_ object: inout JSONValue, _ request: WriteRequest) -> Bool {
        var metadata = object["metadata"]?.object ?? JSONObject()
        var generates = false
        if (metadata["name"].string ?? "").isEmpty, let base = metadata["generateName"].string, !base.isEmpty {
            metadata["name"] = .string(NameGenerator.name(from: base))
            generates = true
        }
        metadata["uid"] = .string(NameGenerator.uid())
        metadata["creationTimestamp"] = .string(request.now.description)
        for field in ["generation", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "selfLink"] {
            metadata[field] = nil
        }
        object["metadata"] = .object(metadata)
        if let warning = OwnerReferences.removeDuplicates(from: &object) { request.warnings?.add([warning]) }
        return generates
    }

    /// Throws 413 where defaults make a small document a large one.
    static func applyDefaults(_ object: inout JSONValue, _ schema: Schema?) throws(Status) {
        guard let schema, !schema.applyDefaults(&object) else { return }
        throw Status.tooLarge("the defaults of its schema add more than \(Schema.defaultsLimit) bytes")
    }

    /// Throws 422 with everything that is wrong; what a kind's own rule says about a field stands for the schema's word.
    static func refuse(
        _ request: WriteRequest, name: String, _ errors: [FieldError], _ schemaErrors: [FieldError]
    ) throws(Status) {
        var all = errors
        if !schemaErrors.isEmpty {
            let named = Set(errors.map(\.field))
            // The map keys of the owners are the appliers' business: references with the same uid may stand there.
            all += schemaErrors.filter { error in
                !named.contains(error.field)
                    && !(error.kind == .duplicate && error.field.hasPrefix("metadata.ownerReferences["))
            }
        }
        guard all.isEmpty else { throw Status.invalid(request.resource.definition.groupKind, name, all) }
    }
}
