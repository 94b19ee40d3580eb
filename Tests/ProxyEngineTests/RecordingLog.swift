import NetworkTypes
import Synchronization

@testable import ProxyEngine

/// Keeps what it is told.
final class RecordingLog: AccessLog {
    struct Entry: Sendable {
        var line: String
        var status: Int
        var bytesDown: Int
        var upstream: String?
        var endpoint: SocketAddress?
        var isHTTP2 = false
        /// Bytes of the head that the record was given.
        var headBytes = 0
    }

    private let kept = Mutex<[Entry]>([])
    var entries: [Entry] { kept.withLock { $0 } }

    func record(_ entry: borrowing AccessRecord) {
        let kept = Entry(
            line: entry.requestLine, status: entry.status, bytesDown: entry.bytesDown, upstream: entry.upstream,
            endpoint: entry.endpoint, isHTTP2: entry.isHTTP2, headBytes: entry.head.count)
        self.kept.withLock { $0.append(kept) }
    }
}
