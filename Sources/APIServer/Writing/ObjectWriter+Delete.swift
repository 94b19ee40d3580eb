import APIResources
import KubeModel
import Store
import Synchronization
import WatchCache

extension ObjectWriter {
    /// DELETE of an object.
    func delete(_ exchange: Exchange, _ operation: ResourceOperation, _ done: @escaping WriteCompletion) throws(Status)
    {
        let (request, options) = try deleteRequest(exchange, operation)
        try delete(request, options, attempt: 1) { result in
            done(result.flatMap { self.deletionResponse(request, options, $0) })
        }
    }

    /// DELETE of a collection: every object the selectors match, one by one; the answer lists them.
    func deleteCollection(
        _ exchange: Exchange, _ operation: ResourceOperation, _ done: @escaping WriteCompletion
    ) throws(Status) {
        let (request, options) = try deleteRequest(exchange, operation)
        let list = try ListOptions(exchange.query)
        let fields = try FieldSelectorCheck.checked(list.fields, for: request.resource)
        let found = request.resource.cache.list(
            namespace: request.namespace.isEmpty ? nil : request.namespace, labels: list.labels, fields: fields)
        let items = try Self.page(of: found.items, list)
        let answer: @Sendable () -> Void = {
            do throws(Status) {
                done(
                    .success(
                        try self.renderer.list(
                            request.resource, items, revision: found.revision, next: nil, shape: request.shape,
                            now: request.now)))
            } catch {
                done(.failure(error))
            }
        }
        guard !items.isEmpty else {
            answer()
            return
        }
        let failure = Mutex<Status?>(nil)
        let pending = PendingCount(items.count) {
            if let status = failure.withLock({ $0 }) { done(.failure(status)) } else { answer() }
        }
        deleteSome(items[...], request, options) { result in
            // Somebody else was faster: the object is gone, as was asked for.
            if case .failure(let status) = result, status.code != 404 { failure.withLock { $0 = status } }
            pending.finishOne()
        }
    }

    /// The part of a collection that a list with the same `limit` and `continue` shows: nothing else is deleted.
    private static func page(of objects: [CachedObject], _ options: ListOptions) throws(Status) -> [CachedObject] {
        var objects = objects
        if !options.continueToken.isEmpty {
            let start = try ContinueToken(parsing: options.continueToken).start
            objects.removeAll { byteOrder($0.relativeKey, start) <= 0 }
        }
        return options.limit > 0 ? Array(objects.prefix(options.limit)) : objects
    }

    /// Deletes a stretch of a collection and leaves the rest to another turn of a loop, so that others get theirs.
    private func deleteSome(
        _ items: ArraySlice<CachedObject>, _ request: WriteRequest, _ options: DeleteOptions,
        _ finish: @escaping @Sendable (Result<Deletion, Status>) -> Void
    ) {
        for item in items.prefix(Self.deletionsATurn) {
            let single = WriteRequest(
                resource: request.resource, namespace: item.namespace, name: item.name, subresource: nil,
                options: request.options, shape: request.shape, user: request.user, now: request.now)
            do throws(Status) {
                try delete(single, options, attempt: 1, finish)
            } catch {
                finish(.failure(error))
            }
        }
        let rest = items.dropFirst(Self.deletionsATurn)
        if !rest.isEmpty { queue.run { self.deleteSome(rest, request, options, finish) } }
    }

    private static let deletionsATurn = 100

    /// Deletes an object that the server itself has no use for any more; `done` is called whatever comes of it, with the reason when it is still there unmarked.
    func discard(
        _ resource: ServedResource, _ object: CachedObject, now: Timestamp,
        _ done: @escaping @Sendable (Status?) -> Void = { _ in }
    ) {
        let request = WriteRequest(
            resource: resource, namespace: object.namespace, name: object.name, subresource: nil,
            options: WriteOptions(), shape: .json, user: .local, now: now)
        var options = DeleteOptions()
        options.uid = object.uid
        options.propagation = .background
        // That somebody else was faster is no failure.
        do throws(Status) {
            try delete(request, options, attempt: 1) { result in
                if case .failure(let status) = result, status.code != 404 { done(status) } else { done(nil) }
            }
        } catch {
            done(error.code == 404 ? nil : error)
        }
    }

    /// What a deletion came to.
    enum Deletion: Sendable {
        /// The object is gone; this was its last state, and this the version that its removal has.
        case gone(LastState, Revision)
        /// It waits for its finalizers or its grace period. The bytes carry their version when there is none here.
        case waiting(bytes: [UInt8], Revision?)
    }

    /// How an object was before it went.
    struct LastState: Sendable {
        let uid: String
        /// As the cache had it, which is how it went unless the deletion changed it.
        let cached: CachedObject
        /// Without version; nil: as `cached`.
        let changed: [UInt8]?
    }

    /// Deletes one object, or marks it when finalizers or a grace period hold it.
    func delete(
        _ request: WriteRequest, _ options: DeleteOptions, attempt: Int,
        _ done: @escaping @Sendable (Result<Deletion, Status>) -> Void
    ) throws(Status) {
        let resource = request.resource
        guard let current = resource.cache.get(namespace: request.namespace, name: request.name) else {
            throw Status.notFound(resource.definition.groupResource, request.name)
        }
        try namespaces.admitDelete(request)
        try checkPreconditions(options, request, current)
        if current.isDamaged {
            try deleteDamaged(request, current, done)
            return
        }
        let live = try resource.live(current)
        let old = live.document
        let key = resource.key(namespace: request.namespace, name: request.name)
        let write: Write
        let outcome: @Sendable (Revision) -> Deletion
        var releases = false
        switch DeletionPlan(old, options, request.strategy, now: request.now) {
        case .unchanged:
            done(.success(.waiting(bytes: current.bytes, nil)))
            return
        case .hold(let marked):
            let bytes = try resource.storedBytes(marked, managedFields: live.managedFields)
            write = .update(key: key, value: bytes, ifRevision: current.revision)
            outcome = { .waiting(bytes: bytes, $0) }
        case .remove(let last):
            write = .delete(key: key, ifRevision: current.revision)
            let changed =
                request.strategy.returnsDeletedObject && last != old
                ? try resource.storedBytes(last, managedFields: live.managedFields) : nil
            let state = LastState(
                uid: last["metadata"]["uid"].string ?? "", cached: current, changed: changed)
            outcome = { .gone(state, $0) }
            releases = true
        }
        if request.options.isDryRun {
            done(.success(outcome(current.revision)))
            return
        }
        let isGone = releases
        // What nobody needs any more goes on this thread, not on the store's.
        let released = isGone ? old : nil
        let companions =
            isGone
            ? request.strategy.companions(of: nil, replacing: old, request.context(name: request.name)) : []
        store.submit(write, companions: companions) { result in
            switch result {
            case .success(let written):
                if let released { request.strategy.release(released) }
                done(.success(outcome(written.revision)))
            case .failure(let error):
                switch error.code {
                case .conflict, .notFound: break
                default:
                    done(.failure(Self.status(error, resource, operation: "delete")))
                    return
                }
                guard attempt < Self.maxAttempts else {
                    done(.failure(request.conflict()))
                    return
                }
                self.queue.run {
                    do throws(Status) {
                        try self.delete(request, options, attempt: attempt + 1, done)
                    } catch {
                        done(.failure(error))
                    }
                }
            }
        }
    }

    /// Deletes what cannot be read, finalizers and grace period with it: nobody can say what they were. Kubernetes asks for
    /// `ignoreStoreReadErrorWithClusterBreakingPotential` first; here a delete by name is word enough, since every list of
    /// the kind fails until then.
    private func deleteDamaged(
        _ request: WriteRequest, _ current: CachedObject, _ done: @escaping @Sendable (Result<Deletion, Status>) -> Void
    ) throws(Status) {
        let last = LastState(uid: "", cached: current, changed: nil)
        if request.options.isDryRun {
            done(.success(.gone(last, current.revision)))
            return
        }
        let resource = request.resource
        let key = resource.key(namespace: request.namespace, name: request.name)
        store.submit(.delete(key: key, ifRevision: current.revision)) { result in
            switch result {
            case .success(let written): done(.success(.gone(last, written.revision)))
            case .failure(let error):
                switch error.code {
                case .conflict: done(.failure(request.conflict()))
                case .notFound: done(.failure(.notFound(resource.definition.groupResource, request.name)))
                default: done(.failure(Self.status(error, resource, operation: "delete")))
                }
            }
        }
    }

    /// 409 for an object that is not the one the client means. The kind stands where other conflicts have the resource,
    /// as in Kubernetes (`rest.BeforeDelete`).
    private func checkPreconditions(
        _ options: DeleteOptions, _ request: WriteRequest, _ current: CachedObject
    ) throws(Status) {
        guard options.uid != nil || options.resourceVersion != nil else { return }
        let definition = request.resource.definition
        let subject = GroupResource(group: definition.group, resource: definition.kind)
        let version = String(current.revision.rawValue)
        // Namespaces have a storage of their own, and its words are those of the store.
        if definition.group.isEmpty, definition.plural == "namespaces" {
            for (field, wanted, found) in [
                ("UID", options.uid, current.uid), ("ResourceVersion", options.resourceVersion, version),
            ] {
                guard let wanted, wanted != found else { continue }
                throw request.conflict(
                    "Precondition failed: \(field) in precondition: \(wanted), \(field) in object meta: \(found)")
            }
            return
        }
        if let uid = options.uid, uid != current.uid {
            throw Status.conflict(
                subject, request.name,
                "the UID in the precondition (\(uid)) does not match the UID in record (\(current.uid)). The object might "
                    + "have been deleted and then recreated")
        }
        if let wanted = options.resourceVersion, wanted != version {
            throw Status.conflict(
                subject, request.name,
                "the ResourceVersion in the precondition (\(wanted)) does not match the ResourceVersion in record "
                    + "(\(version)). The object might have been modified")
        }
    }

    private func deleteRequest(_ exchange: Exchange, _ operation: ResourceOperation) throws(Status) -> (
        WriteRequest, DeleteOptions
    ) {
        var body: JSONValue?
        if !exchange.request.body.isEmpty {
            do {
                switch DocumentReader.mediaType(exchange.request.contentType) {
                case "", "application/json": body = try JSONParser.parse(exchange.request.body)
                case "application/yaml": body = try YAMLDocument.parse(exchange.request.body)
                case ProtobufDocument.mediaType:
                    body = try ProtobufDocument.parse(exchange.request.body, message: "DeleteOptions")
                default: throw DocumentReader.unsupported(protobuf: true)
                }
            } catch let status as Status {
                throw status
            } catch {
                throw Status.badRequest("the body is no DeleteOptions: \(error)")
            }
        }
        let options = try DeleteOptions(body: body, query: exchange.query)
        var write = WriteOptions()
        write.isDryRun = options.isDryRun
        let request = WriteRequest(
            resource: operation.resource, namespace: operation.namespace, name: operation.name, subresource: nil,
            options: write, shape: exchange.shape, user: exchange.user, now: exchange.now)
        return (request, options)
    }

    private func deletionResponse(
        _ request: WriteRequest, _ options: DeleteOptions, _ deletion: Deletion
    ) -> Result<OutgoingResponse, Status> {
        switch deletion {
        case .waiting(let bytes, let revision):
            // Kubernetes answers 202 to this one way of asking, and 200 to all others, for the sake of old clients.
            return response(
                request, status: options.orphanDependents == false ? 202 : 200, stored: bytes, revision: revision,
                warnings: [])
        case .gone(let last, let revision):
            if request.strategy.returnsDeletedObject {
                if let bytes = last.changed {
                    return response(request, stored: bytes, revision: revision, warnings: [])
                }
                return response(
                    request, stored: last.cached.restamped(revision).bytes, revision: nil, warnings: [])
            }
            let definition = request.resource.definition
            var status = Status.success(
                details: Status.Details(
                    name: request.name, group: definition.group, kind: definition.plural,
                    uid: last.uid.isEmpty ? nil : last.uid))
            // A success has no code in its document.
            status.code = 0
            var answer = OutgoingResponse(status, shape: request.shape)
            answer.status = 200
            return .success(answer)
        }
    }
}
