import APIResources
import KubeModel
import Store
import WatchCache

/// The one path of everything that is created or changed: change → draft → steps of admission → store → answer.
extension ObjectWriter {
    /// Calls `done` once, now or later, on this thread, the store's or one of `queue`.
    /// - Parameter warnings: what reading the request has found.
    func write(
        _ change: Change, _ request: WriteRequest, warnings: [String] = [], _ done: @escaping WriteCompletion
    ) {
        attempt(Attempt(change: change, request: request, warnings: warnings, number: 1, done: done))
    }

    /// One try of a write; a lost race leads to another.
    private struct Attempt: Sendable {
        let change: Change
        let request: WriteRequest
        let warnings: [String]
        /// From 1 up.
        var number: Int
        let done: WriteCompletion
    }

    private func attempt(_ attempt: Attempt) {
        do throws(Status) {
            let draft = try draft(attempt)
            attempt.request.warnings?.add(draft.warnings)
            advance(AdmissionPlan(draft, steps: admission), attempt)
        } catch {
            attempt.done(.failure(error))
        }
    }

    private func again(_ attempt: Attempt) {
        var next = attempt
        next.number += 1
        goOn(next.request) { [next] in self.attempt(next) }
    }

    // MARK: What is wanted

    /// The object that the change leads to from what is there now.
    private func draft(_ attempt: Attempt) throws(Status) -> WriteDraft {
        let request = attempt.request
        // A new object is not looked for: its name may still have to be made.
        let cached: CachedObject? =
            if case .create = attempt.change {
                nil
            } else {
                request.resource.cache.get(namespace: request.namespace, name: request.name)
            }
        var warnings = attempt.warnings
        switch (attempt.change, cached) {
        case (.create(let document, _), _):
            return WriteDraft(request, attempt.change, present: nil, object: document, warnings: warnings)
        case (_, nil): return try draftOfMissing(attempt)
        case (.replace(let replacement), let cached?):
            let live = try request.resource.live(cached, sharing: replacement.members)
            return WriteDraft(
                request, attempt.change, present: .init(cached: cached, live: live),
                object: try request.whole(replacement.document, of: live.document), warnings: warnings)
        case (.edit(let edit), let cached?):
            let live = try request.resource.live(cached)
            let object = try edit.perform(edit.readsManagedFields ? try live.whole() : live.document, &warnings)
            return WriteDraft(
                request, attempt.change, present: .init(cached: cached, live: live), object: object,
                warnings: warnings)
        case (.apply(let configuration), let cached?):
            let live = try request.resource.live(cached)
            let (object, owners) = try applied(configuration, to: live, request, warnings: &warnings)
            return WriteDraft(
                request, attempt.change, present: .init(cached: cached, live: live), object: object,
                warnings: warnings, owners: owners)
        }
    }

    /// What is created by a change of an object that is not there.
    private func draftOfMissing(_ attempt: Attempt) throws(Status) -> WriteDraft {
        let request = attempt.request
        switch attempt.change {
        case .replace(let replacement) where replacement.createsWhenMissing:
            let document = replacement.document
            if let uid = document["metadata"]["uid"].string, !uid.isEmpty {
                throw request.conflict("Precondition failed: UID in precondition: \(uid), UID in object meta: ")
            }
            let version = document["metadata"]["resourceVersion"].string ?? ""
            guard version.isEmpty || version == "0" else { break }
            return WriteDraft(request, attempt.change, present: nil, object: document, warnings: attempt.warnings)
        case .apply(let configuration) where request.subresource == nil:
            if let uid = configuration["metadata"]["uid"].string, !uid.isEmpty {
                throw request.conflict(
                    "uid mismatch: the provided object specified uid \(uid), and no existing object was found")
            }
            var warnings = attempt.warnings
            let (document, owners) = try applied(configuration, to: .none, request, warnings: &warnings)
            return WriteDraft(
                request, attempt.change, present: nil, object: document, warnings: warnings, owners: owners)
        default: break
        }
        throw Status.notFound(request.resource.definition.groupResource, request.name)
    }

    // MARK: Admission

    private func advance(_ plan: consuming AdmissionPlan, _ attempt: Attempt) {
        do throws(Status) {
            switch try plan.proceed(surroundings) {
            case .store: submit(plan.draft, attempt)
            case .answerUnchanged: answerUnchanged(plan.draft, attempt)
            case .ask(let question): ask(question, plan, attempt)
            }
        } catch {
            refuse(plan.draft, attempt, error)
        }
    }

    /// Goes on, on a thread that may compute, once somebody has answered.
    private func ask(_ question: AdmissionVerdict.Question, _ plan: AdmissionPlan, _ attempt: Attempt) {
        let answer = AwaitedAnswer { answer in
            self.goOn(attempt.request) {
                var plan = plan
                do throws(Status) {
                    try plan.resume(answer)
                } catch {
                    return self.refuse(plan.draft, attempt, error)
                }
                self.advance(plan, attempt)
            }
        }
        question { answer.give($0) }
    }

    private func refuse(_ draft: WriteDraft, _ attempt: Attempt, _ status: Status) {
        draft.transaction?.rollback()
        attempt.request.warnings?.add(draft.warnings)
        attempt.done(.failure(status))
    }

    private func answerUnchanged(_ draft: WriteDraft, _ attempt: Attempt) {
        guard let cached = draft.present?.cached else { preconditionFailure("a new object changes something") }
        draft.transaction?.rollback()
        attempt.done(
            response(draft.request, stored: cached.bytes, revision: nil, warnings: draft.warnings))
    }

    // MARK: The store

    private func submit(_ draft: WriteDraft, _ attempt: Attempt) {
        let request = draft.request
        let name = draft.name
        let bytes: [UInt8]
        do throws(Status) {
            bytes = try request.resource.storedBytes(
                draft.object, managedFields: draft.owners ?? [], known: draft.knownMembers)
        } catch {
            return refuse(draft, attempt, error)
        }
        let transaction = draft.transaction
        let warnings = draft.warnings
        let status = draft.isNew ? 201 : 200
        if request.options.isDryRun {
            transaction?.rollback()
            if draft.isNew, request.resource.cache.get(namespace: request.namespace, name: name) != nil {
                attempt.done(.failure(.alreadyExists(request.resource.definition.groupResource, name)))
                return
            }
            attempt.done(
                response(
                    request, status: status, stored: bytes, revision: draft.present?.cached.revision,
                    warnings: warnings))
            return
        }
        let isDeletion = draft.isDeletion
        let companions =
            draft.isNew || request.subresource == nil || isDeletion
            ? request.strategy.companions(
                of: isDeletion ? nil : draft.object, replacing: draft.old, request.context(name: name)) : []
        let isNew = draft.isNew
        let isNameGenerated = draft.isNameGenerated
        // Only what is still needed goes with the store; the rest is given back on this thread.
        let released = isDeletion ? draft.old : nil
        store.submit(Self.operation(draft, name, bytes), companions: companions) { result in
            switch result {
            case .success(let outcome):
                transaction?.commit()
                if let released { request.strategy.release(released) }
                attempt.done(
                    self.committedResponse(
                        request, name: name, status: status, stored: bytes, revision: outcome.revision,
                        warnings: warnings))
            case .failure(let error):
                transaction?.rollback()
                self.settle(error, attempt, name: name, isNew: isNew, isNameGenerated: isNameGenerated)
            }
        }
    }

    private static func operation(_ draft: WriteDraft, _ name: String, _ bytes: [UInt8]) -> Write {
        let key = draft.request.resource.key(namespace: draft.request.namespace, name: name)
        guard let revision = draft.present?.cached.revision else { return .create(key: key, value: bytes) }
        return draft.isDeletion
            ? .delete(key: key, ifRevision: revision) : .update(key: key, value: bytes, ifRevision: revision)
    }

    /// The store did not take it: another try where a race was lost that concerns nobody, otherwise the answer.
    private func settle(_ error: StoreError, _ attempt: Attempt, name: String, isNew: Bool, isNameGenerated: Bool) {
        let request = attempt.request
        let groupResource = request.resource.definition.groupResource
        switch (error.code, attempt.change) {
        case (.exists, .apply):
            guard attempt.number < Self.maxAttempts else { return attempt.done(.failure(request.conflict())) }
            again(attempt)
        case (.exists, _) where isNameGenerated:
            guard attempt.number < Self.maxNames else {
                return attempt.done(.failure(.generateNameConflict(groupResource, name)))
            }
            again(attempt)
        case (.exists, _): attempt.done(.failure(.alreadyExists(groupResource, name)))
        case (.conflict, _), (.notFound, _):
            guard attempt.change.retriesLostRaces, attempt.number < Self.maxAttempts else {
                return attempt.done(.failure(request.conflict()))
            }
            again(attempt)
        default:
            attempt.done(
                .failure(Self.status(error, request.resource, operation: isNew ? "create" : "update")))
        }
    }

    /// How many names are made from one `metadata.generateName` before 409.
    private static let maxNames = 8
}
