import KubeModel
import Store
import WatchCache

/// A stretch of a list that somebody asks for.
struct PageQuery: Sendable {
    let resource: ServedResource
    let fields: FieldSelector?
    /// nil: all of them.
    let namespace: String?
    let options: ListOptions
    /// Where an earlier stretch ended.
    let token: ContinueToken?

    /// The moment that the list is to show; nil: now.
    private var revision: Revision? {
        if let token { return token.revision }
        return options.isExact ? options.resourceVersion.map { Revision($0) } : nil
    }

    private var limit: Int? { options.limit > 0 ? options.limit : nil }

    /// From memory; nil where only the store reaches back so far.
    func cached() throws(Status) -> ResourceCache.Page? {
        do throws(StoreError) {
            return try resource.cache.cachedPage(
                namespace: namespace, labels: options.labels, fields: fields, at: revision, after: token?.start,
                limit: limit)
        } catch {
            throw status(error)
        }
    }

    /// Out of the store. Blocks on disk.
    func stored() throws(Status) -> ResourceCache.Page {
        do throws(StoreError) {
            return try resource.cache.listPage(
                namespace: namespace, labels: options.labels, fields: fields, at: revision, after: token?.start,
                limit: limit)
        } catch {
            throw status(error)
        }
    }

    private func status(_ error: StoreError) -> Status {
        switch error.code {
        case .compacted:
            guard let token else { return .expired("The resourceVersion for the provided list is too old.") }
            return Self.continuationExpired(after: token.start)
        case .future(let current): return ResourceCache.tooLarge(revision ?? current, current: current)
        default: return .internalError("the store did not answer the list")
        }
    }

    /// What a continuation whose moment is gone is answered with: it can go on, but not with that moment.
    private static func continuationExpired(after start: String) -> Status {
        var status = Status.expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list "
                + "without the continue parameter, or use the continue token in this response to retrieve the remainder "
                + "of the results. Continuing with the provided token results in an inconsistent list - objects that "
                + "were created, modified, or deleted between the time the first chunk was returned and now may show "
                + "up in the list.")
        status.metadata = Status.ListMetadata(continue: ContinueToken(revision: nil, start: start).text)
        return status
    }
}
