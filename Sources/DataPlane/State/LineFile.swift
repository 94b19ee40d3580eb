import Glibc
import Synchronization

/// A file of lines that event loops append to without waiting for it.
///
/// Appending goes to memory, of which there is a bound; one task writes it out. A file that takes nothing (a pipe nobody
/// reads, a full disk) costs lines, which are counted, never anything else.
final class LineFile: Sendable {
    /// How many bytes may wait to be written.
    static let maxWaitingBytes = 1 << 20

    private struct State {
        var waiting: [UInt8] = []
        var dropped: UInt64 = 0
    }

    private let descriptor: Int32
    private let state = Mutex(State())
    private let signal = ChangeSignal()

    /// - Parameters:
    ///   - path: appended to and created with mode 0640; `-` is standard output.
    ///   - name: what errors call it.
    init(path: String, name: String) throws(DataPlaneError) {
        // Opened anew rather than duplicated: not blocking is a property of the open file, which others share.
        let file = path == "-" ? "/proc/self/fd/1" : path
        var opened = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o640)
        if opened < 0, path == "-" { opened = dup(1) }
        guard opened >= 0 else {
            throw DataPlaneError(message: "\(name) \(path): \(String(cString: strerror(errno)))")
        }
        descriptor = opened
    }

    deinit { close(descriptor) }

    /// Lines that found no room, since the start.
    var droppedLines: UInt64 { state.withLock { $0.dropped } }

    /// Adds a line.
    ///
    /// - Parameters:
    ///   - limit: the bytes that it may have at most.
    ///   - write: adds it, its end too, to what waits.
    func append(atMost limit: Int, _ write: (inout [UInt8]) -> Void) {
        let wasEmpty = state.withLock { state in
            guard state.waiting.count + limit <= Self.maxWaitingBytes else {
                state.dropped += 1
                return false
            }
            let wasEmpty = state.waiting.isEmpty
            write(&state.waiting)
            return wasEmpty
        }
        if wasEmpty { signal.raise() }
    }

    /// Writes until cancelled, and then once more what is there.
    func run() async {
        for await _ in signal.changes {
            // Lines gather, so that a busy server does not pay for a system call each. Cancellation ends the loop.
            try? await Task.sleep(for: .milliseconds(100))
            while !flush() {
                do { try await Task.sleep(for: .milliseconds(100)) } catch { break }
            }
        }
        _ = flush()
    }

    /// False when the file takes no more for now.
    @discardableResult
    func flush() -> Bool {
        let lines = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        var written = 0
        while written < lines.count {
            let count = lines.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, lines.count - written) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            written += count
        }
        if written == lines.count { return true }
        let isRetryable = errno == EAGAIN
        state.withLock { state in
            if isRetryable {
                state.waiting = Array(lines[written...]) + state.waiting
            } else {
                state.dropped += UInt64(lines[written...].count { $0 == 0x0A })
            }
        }
        return !isRetryable
    }
}
