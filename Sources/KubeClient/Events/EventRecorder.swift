public import KubeModel
public import Logging

/// The type of an Event.
public enum EventType: String, Sendable, Hashable {
    case normal = "Normal"
    case warning = "Warning"
}

/// Tells people about objects through Event objects, without making the caller wait.
///
/// Repeats raise an Event's count. At most `EventRecorder.bufferLimit` happenings wait to be written; beyond, and
/// when the server refuses them, they are dropped: Events are best effort.
public final class EventRecorder: Sendable {
    public static let bufferLimit = 1000

    private let client: APIClient
    private let component: String
    private let logger: Logger
    private let happenings: AsyncStream<EventCorrelator.Happening>
    private let continuation: AsyncStream<EventCorrelator.Happening>.Continuation

    /// - Parameter component: the controller's name, shown as the Event's source.
    public init(client: APIClient, component: String, logger: Logger) {
        self.client = client
        self.component = component
        self.logger = logger
        (happenings, continuation) = AsyncStream.makeStream(
            of: EventCorrelator.Happening.self, bufferingPolicy: .bufferingOldest(Self.bufferLimit))
    }

    /// Tells something about an object. Returns at once.
    ///
    /// - Parameters:
    ///   - reason: one CamelCase word for machines.
    ///   - message: for people.
    public func record(_ type: EventType, about object: some KubeObject, reason: String, message: String) {
        record(type, about: ObjectReference(to: object), reason: reason, message: message)
    }

    public func record(_ type: EventType, about reference: ObjectReference, reason: String, message: String) {
        var reference = reference
        // The revision differs each time and must not tell repeats apart.
        reference.resourceVersion = nil
        continuation.yield(
            EventCorrelator.Happening(about: reference, type: type, reason: reason, message: message))
    }

    /// Writes what is recorded until cancelled. Must not run twice at a time.
    public func run() async throws {
        var random = SystemRandomNumberGenerator()
        let instance = "\(component)-\(String(random.next() as UInt32, radix: 16))"
        var correlator = EventCorrelator(component: component, instance: instance)
        for await happening in happenings {
            let write = correlator.write(for: happening, now: WallClock.microTime, nonce: random.next())
            guard let write else { continue }
            do {
                if let lost = try await perform(write) { correlator.forget(lost) }
            } catch {
                try Task.checkCancellation()
                logger.debug("event \(happening.reason) is dropped: \(error)")
            }
        }
        try Task.checkCancellation()
    }

    /// Returns the name of an Event that turned out to be gone and was replaced under the same name.
    private func perform(_ write: EventCorrelator.Write) async throws -> NamespacedName? {
        switch write {
        case .create(let event):
            _ = try await client.create(event)
        case .raise(let key, let count, let message, let last, let event):
            let change: JSONValue = [
                "count": .integer(Int64(count)), "message": .string(message),
                "lastTimestamp": .string(last.description),
            ]
            do {
                _ = try await client.patch(Event.self, key.name, namespace: key.namespace, .merge(change))
            } catch let status as Status where status.isNotFound {
                do {
                    _ = try await client.create(event)
                } catch {
                    // Such as a namespace that is being removed.
                    return key
                }
            }
        }
        return nil
    }
}

extension ObjectReference {
    /// A reference to an object, as Events and endpoints carry it.
    public init<Object: KubeObject>(to object: Object) {
        self.init(
            kind: Object.definition.kind, namespace: object.metadata.namespace, name: object.metadata.name,
            uid: object.metadata.uid, apiVersion: Object.definition.apiVersion,
            resourceVersion: object.metadata.resourceVersion)
    }
}
