import Glibc
import ProxyEngine
import Synchronization

/// The L7 proxy's access log in a file: one line a request, or one for every so many.
final class AccessLogWriter: AccessLog {
    private struct State {
        var line = AccessLogLine()
        var untilNext = 0
    }

    private let file: LineFile
    private let sampling: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - path: appended to and created with mode 0640; `-` is standard output.
    ///   - sampling: every how-many-eth request is logged, from 1.
    init(path: String, sampling: Int) throws(DataPlaneError) {
        file = try LineFile(path: path, name: "access log")
        self.sampling = max(1, sampling)
    }

    /// Lines that found no room, since the start.
    var droppedLines: UInt64 { file.droppedLines }

    func record(_ entry: borrowing AccessRecord) {
        state.withLock { state in
            guard state.untilNext == 0 else {
                state.untilNext -= 1
                return
            }
            state.untilNext = sampling - 1
            file.append(atMost: AccessLogLine.maxLineBytes) { state.line.append(entry, unixTime: time(nil), to: &$0) }
        }
    }

    /// Writes until cancelled, and then once more what is there.
    func run() async { await file.run() }

    /// False when the file takes no more for now.
    @discardableResult
    func flush() -> Bool { file.flush() }
}
