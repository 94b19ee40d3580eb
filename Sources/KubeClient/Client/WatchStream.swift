public import KubeModel

/// A change that a watch reports.
public enum WatchEvent<Object: Sendable>: Sendable {
    case added(Object)
    case modified(Object)
    /// With the object's last state.
    case deleted(Object)
    /// Everything up to this resource version was delivered.
    case bookmark(resourceVersion: String)
    /// An object that could not be decoded; it is named so that a cache can forget it.
    case undecodable(NamespacedName, resourceVersion: String, reason: String)
}

/// The events of one watch, in the server's order. Ends when the server closes the stream; throws `Status` for an
/// ERROR event (410 when the revision was compacted). Leaving the loop closes the watch.
public struct WatchStream<Object: Sendable>: AsyncSequence, Sendable {
    public typealias Element = WatchEvent<Object>

    let chunks: AsyncThrowingStream<[UInt8], any Error>
    let decode: @Sendable (JSONValue) throws -> Object

    public func makeAsyncIterator() -> Iterator {
        Iterator(chunks: chunks.makeAsyncIterator(), decode: decode)
    }

    public struct Iterator: AsyncIteratorProtocol {
        var chunks: AsyncThrowingStream<[UInt8], any Error>.Iterator
        let decode: @Sendable (JSONValue) throws -> Object
        var lines = LineSplitter()

        public mutating func next() async throws -> WatchEvent<Object>? {
            while true {
                if let line = lines.next() {
                    if let event = try parse(line) { return event }
                    continue
                }
                guard let chunk = try await chunks.next() else { return nil }
                lines.append(chunk)
            }
        }

        private func parse(_ line: [UInt8]) throws -> WatchEvent<Object>? {
            let document = try AnswerReader.document(line)
            guard let type = document["type"]?.string, let object = document["object"] else {
                throw ClientError(.malformedAnswer, "a watch event lacks its type or object")
            }
            switch type {
            case "BOOKMARK":
                return .bookmark(resourceVersion: object["metadata"]["resourceVersion"]?.string ?? "")
            case "ERROR":
                let code = object["code"]?.int.map { Int($0) } ?? 500
                throw AnswerReader.failure(status: code, body: object.encoded(), retryAfterSeconds: nil)
            case "ADDED", "MODIFIED", "DELETED":
                let value: Object
                do {
                    value = try decode(object)
                } catch {
                    return .undecodable(
                        APIClient.key(of: object),
                        resourceVersion: object["metadata"]["resourceVersion"]?.string ?? "", reason: "\(error)")
                }
                return type == "ADDED" ? .added(value) : type == "MODIFIED" ? .modified(value) : .deleted(value)
            default:
                // An event type that a newer server may know.
                return nil
            }
        }
    }
}

/// Cuts a stream of bytes into lines; empty lines are skipped.
struct LineSplitter {
    private var buffer: [UInt8] = []
    private var start = 0
    private var scanned = 0

    mutating func append(_ bytes: [UInt8]) {
        if start == buffer.count {
            buffer = bytes
            (start, scanned) = (0, 0)
        } else {
            if start > 0 {
                buffer.removeFirst(start)
                scanned -= start
                start = 0
            }
            buffer += bytes
        }
    }

    mutating func next() -> [UInt8]? {
        while let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = buffer[start..<end]
            start = end + 1
            scanned = start
            if !line.isEmpty { return Array(line) }
        }
        scanned = buffer.count
        return nil
    }
}
