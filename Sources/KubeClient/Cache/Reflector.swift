public import KubeModel
public import Logging

/// What a reflector tells, in order.
public enum ReflectorEvent<Object: KubeObject>: Sendable {
    /// This is everything there is, at this revision.
    case replaced([Object], revision: String)
    case applied(Object)
    /// With the uid of what is gone, as far as it could be read, and the resource version of the deletion.
    case deleted(NamespacedName, uid: String?, revision: String)
}

/// Mirrors one resource: lists it, then watches from the list's revision.
///
/// - A watch that ends or breaks is opened again from the last revision seen; nothing is listed again for it.
/// - A revision that the server no longer has (410) leads to a new list.
/// - What fails is tried again with growing, jittered delays, for ever. The log is told once of each failure in a row, and
///   of the end: what can never work says so in one line, not in one every half a minute.
/// - A server that falls silent, or the way to it, is noticed by the client's deadlines and counts as a failure.
/// - Bookmarks move the revision forward, so that a quiet resource does not fall out of the server's window.
public struct Reflector<Object: KubeObject>: Sendable {
    /// What is mirrored: the type's own resource, or any for a type that reads a part of every object.
    public let definition: ResourceDefinition
    public var projection = Projection.whole
    public var namespace: String?
    public var labelSelector: String?
    public var fieldSelector: String?
    /// Items a page of the list.
    public var pageSize = 500
    /// Delays after failures.
    public var backoff = Backoff()
    /// What delays are waited for by.
    public var clock = MonotonicClock()
    /// Told about every answer and event of the server (true), and every attempt that failed (false).
    var onContact: @Sendable (Bool) -> Void = { _ in }

    private let client: APIClient
    private let logger: Logger

    public init(
        client: APIClient, definition: ResourceDefinition = Object.definition, namespace: String? = nil,
        labelSelector: String? = nil, fieldSelector: String? = nil, logger: Logger
    ) {
        self.client = client
        self.definition = definition
        self.namespace = namespace
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.logger = logger
    }

    /// Runs until it is cancelled; `deliver` is called from one task, one event at a time.
    public func run(_ deliver: @Sendable (ReflectorEvent<Object>) -> Void) async throws {
        var backoff = backoff
        var failure: String?
        // The revision to watch from; nil asks for a list.
        var revision: String?
        while true {
            try Task.checkCancellation()
            let started = clock.now
            do {
                if let from = revision {
                    revision = try await watch(from: from, &failure, deliver)
                    // A server that closes at once must not be asked in a tight loop.
                    if clock.now - started < .seconds(1) {
                        try await clock.sleep(for: backoff.next())
                    } else {
                        backoff.reset()
                    }
                } else {
                    let list = try await listAll()
                    tellEnd(of: &failure)
                    deliver(.replaced(list.items, revision: list.revision))
                    revision = list.revision
                }
            } catch let interruption as WatchInterruption {
                revision = interruption.revision
                // A server that refuses the revision itself (it may have begun anew) must be listed again; one that
                // is only busy or away need not.
                if let status = interruption.cause as? Status, ![429, 500, 502, 503].contains(status.code) {
                    revision = nil
                }
                if interruption.madeProgress { backoff.reset() }
                try await pause(after: interruption.cause, &backoff, &failure)
            } catch let status as Status where status.isExpired {
                logger.info("\(definition.plural): the revision is gone, listing again")
                revision = nil
                onContact(true)
                try await clock.sleep(for: backoff.next())
            } catch {
                try await pause(after: error, &backoff, &failure)
            }
        }
    }

    /// - Parameter failure: what was told last, and is still so.
    private func pause(after error: any Error, _ backoff: inout Backoff, _ failure: inout String?) async throws {
        try Task.checkCancellation()
        onContact(false)
        var delay = backoff.next()
        if let status = error as? Status, let seconds = status.details?.retryAfterSeconds {
            delay = max(delay, .seconds(seconds))
        }
        let text = "\(error)"
        logger.log(
            level: text == failure ? .debug : .info, "\(definition.plural): \(text); again in \(delay), then less often"
        )
        failure = text
        try await clock.sleep(for: delay)
    }

    private func tellEnd(of failure: inout String?) {
        guard failure != nil else { return }
        failure = nil
        logger.info("\(definition.plural): works again")
    }

    private func listAll() async throws -> (items: [Object], revision: String) {
        var options = ListOptions(labelSelector: labelSelector, fieldSelector: fieldSelector, limit: pageSize)
        var items: [Object] = []
        while true {
            let page: ObjectList<Object>
            do {
                page = try await client.list(
                    Object.self, of: definition, namespace: namespace, options: options, projection: projection)
            } catch let status as Status where status.isExpired && options.continueToken != nil {
                // The snapshot was compacted between two pages: take everything at once.
                (items, options.continueToken, options.limit) = ([], nil, nil)
                continue
            }
            onContact(true)
            for (key, reason) in page.undecodable {
                logger.error("\(definition.kind) \(key) is left out: \(reason)")
            }
            items += page.items
            guard let token = page.continueToken else { return (items, page.resourceVersion) }
            options.continueToken = token
        }
    }

    /// Watches until the server ends the stream and returns the revision to go on from.
    private func watch(
        from revision: String, _ failure: inout String?, _ deliver: @Sendable (ReflectorEvent<Object>) -> Void
    ) async throws -> String {
        var revision = revision
        var madeProgress = false
        do {
            let options = ListOptions(
                labelSelector: labelSelector, fieldSelector: fieldSelector, resourceVersion: revision,
                timeoutSeconds: Int.random(in: 300..<600), allowsBookmarks: true)
            let events = try await client.watch(
                Object.self, of: definition, namespace: namespace, options: options, projection: projection)
            onContact(true)
            for try await event in events {
                madeProgress = true
                tellEnd(of: &failure)
                onContact(true)
                switch event {
                case .added(let object), .modified(let object):
                    revision = object.metadata.resourceVersion ?? revision
                    deliver(.applied(object))
                case .deleted(let object):
                    revision = object.metadata.resourceVersion ?? revision
                    deliver(.deleted(NamespacedName(object.metadata), uid: object.metadata.uid, revision: revision))
                case .bookmark(let version):
                    if !version.isEmpty { revision = version }
                case .undecodable(let key, let version, let reason):
                    logger.error("\(definition.kind) \(key) is left out: \(reason)")
                    if !version.isEmpty { revision = version }
                    deliver(.deleted(key, uid: nil, revision: revision))
                }
            }
            try Task.checkCancellation()
            return revision
        } catch let status as Status where status.isExpired {
            throw status
        } catch {
            throw WatchInterruption(cause: error, revision: revision, madeProgress: madeProgress)
        }
    }
}

/// A watch that broke, with the revision to go on from.
private struct WatchInterruption: Error {
    var cause: any Error
    var revision: String
    var madeProgress: Bool
}

extension Status {
    /// The revision asked for was compacted: 410 with reason `Expired` or `Gone`.
    public var isExpired: Bool { code == 410 || reason == .expired || reason == .gone }
    public var isNotFound: Bool { reason == .notFound || code == 404 }
    /// The object changed in between, or a precondition failed.
    public var isConflict: Bool { reason == .conflict }
    public var isAlreadyExists: Bool { reason == .alreadyExists }
}

extension Status: ExpectedFailure {
    var isExpected: Bool { isConflict }
}
