import KubeModel
import Store

/// The read verbs, answered from the watch cache; only pages of an older moment come from the store's history.
struct ObjectReader: Sendable {
    let store: any Store
    let renderer: ObjectRenderer

    /// GET of an object or of its `status`, which is the whole object too.
    func get(_ exchange: Exchange, _ operation: ResourceOperation) throws(Status) -> OutgoingResponse {
        if let text = exchange.query["resourceVersion"], !text.isEmpty, let version = Int64(text) {
            try requireReached(version)
        }
        let resource = operation.resource
        guard let object = resource.cache.get(namespace: operation.namespace, name: operation.name) else {
            throw Status.notFound(resource.definition.groupResource, operation.name)
        }
        return try renderer.object(
            resource, stored: object.bytes, revision: nil, shape: exchange.shape, now: exchange.now,
            included: try Self.included(exchange.query))
    }

    /// GET of a collection.
    func list(_ exchange: Exchange, _ operation: ResourceOperation) throws(Status) -> OutgoingResponse {
        let options = try ListOptions(exchange.query)
        let resource = operation.resource
        let fields = try FieldSelectorCheck.checked(options.fields, for: resource)
        let namespace = operation.namespace.isEmpty ? nil : operation.namespace
        let included = try Self.included(exchange.query)
        if let version = options.resourceVersion { try requireReached(version) }

        var token: ContinueToken?
        if !options.continueToken.isEmpty { token = try ContinueToken(parsing: options.continueToken) }
        let exact = options.versionMatch == .exact ? options.resourceVersion.map { Revision($0) } : nil
        let at = token.map { Revision($0.revision) } ?? exact

        let page: ListPage
        if let at, at != store.currentRevision || token != nil {
            page = try olderPage(resource, namespace, options, fields, at: at, after: token?.start)
        } else {
            page = currentPage(resource, namespace, options, fields)
        }
        return try renderer.list(
            resource, page.items, revision: page.revision, next: page.next, shape: exchange.shape, now: exchange.now,
            included: included)
    }

    private struct ListPage {
        var items: [CachedObject]
        var revision: Revision
        var next: ObjectRenderer.NextPage?
    }

    private func currentPage(
        _ resource: ServedResource, _ namespace: String?, _ options: ListOptions, _ fields: FieldSelector?
    ) -> ListPage {
        let found = resource.cache.list(namespace: namespace, labels: options.labels, fields: fields)
        guard options.limit > 0, found.items.count > options.limit else {
            return ListPage(items: found.items, revision: found.revision, next: nil)
        }
        let items = Array(found.items[..<options.limit])
        let token = ContinueToken(revision: found.revision.rawValue, start: items[items.count - 1].relativeKey)
        let isSelected = options.labels != nil || fields != nil
        return ListPage(
            items: items, revision: found.revision,
            next: ObjectRenderer.NextPage(
                token: token.text, remaining: isSelected ? nil : found.items.count - items.count))
    }

    /// A page of the collection as it was at `revision`.
    private func olderPage(
        _ resource: ServedResource, _ namespace: String?, _ options: ListOptions, _ fields: FieldSelector?,
        at revision: Revision, after start: String?
    ) throws(Status) -> ListPage {
        do throws(StoreError) {
            let page = try resource.cache.listPage(
                namespace: namespace, labels: options.labels, fields: fields, at: revision, after: start,
                limit: options.limit > 0 ? options.limit : nil)
            var next: ObjectRenderer.NextPage?
            if let last = page.items.last, page.hasMore {
                next = ObjectRenderer.NextPage(
                    token: ContinueToken(revision: revision.rawValue, start: last.relativeKey).text,
                    remaining: options.labels != nil || fields != nil ? nil : page.remaining)
            }
            return ListPage(items: page.items, revision: revision, next: next)
        } catch {
            switch error.code {
            case .compacted:
                throw start == nil
                    ? .expired("The resourceVersion for the provided list is too old.")
                    : .expired(
                        "The provided continue parameter is too old to display a consistent list result. You can start "
                            + "a new list without the continue parameter.")
            case .future(let current): throw Self.tooLarge(revision.rawValue, current: current.rawValue)
            default: throw .internalError("the store did not answer the list")
            }
        }
    }

    /// - Throws: 504 for a version this server has not reached, as Kubernetes answers after waiting for it.
    func requireReached(_ version: Int64) throws(Status) {
        let current = store.currentRevision.rawValue
        if version > current { throw Self.tooLarge(version, current: current) }
    }

    static func tooLarge(_ version: Int64, current: Int64) -> Status {
        var status = Status.timeout("Too large resource version: \(version), current: \(current)", retryAfterSeconds: 1)
        status.details?.causes = [
            Status.Cause(reason: "ResourceVersionTooLarge", message: "Too large resource version", field: nil)
        ]
        return status
    }

    static func included(_ query: QueryItems) throws(Status) -> TableRenderer.IncludedObject {
        guard let text = query["includeObject"], !text.isEmpty else { return .metadata }
        guard let included = TableRenderer.IncludedObject(rawValue: text) else {
            throw Status.badRequest("unrecognized includeObject value: \(goQuoted(text))")
        }
        return included
    }
}
