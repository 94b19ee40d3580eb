import Glibc

/// The status that `martlet up` keeps in view: one line that is rewritten on a terminal, and lines only when something
/// changed elsewhere.
@MainActor
final class LiveStatus {
    private var last = ""
    private var lastFailure = ""
    private var isReady = false

    func announce(directory: DataDirectory, elapsed: Duration) {
        isReady = true
        let (seconds, attoseconds) = elapsed.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        interrupt("martlet is ready after \(milliseconds) ms")
        interrupt("  export KUBECONFIG=\(directory.adminKubeconfig)")
        interrupt("  kubectl get services,ingresses,routetables -A")
        interrupt("  curl --unix-socket \(directory.unixSocket) http://localhost/api/v1/services")
    }

    func update(texts: [String: String], pids: [pid_t], restarts: Int) {
        guard isReady else { return }
        var parts = ["apiserver", "dataplane"].compactMap { texts[$0] }
        if restarts > 0 { parts.append("\(restarts) restarts") }
        let text = parts.joined(separator: " · ")
        if Terminal.isInteractive {
            // What is wrong stays on the screen in full; the line below it may be cut off.
            let failure = text.firstRange(of: "NOT served").map { String(text[$0.lowerBound...]) } ?? ""
            if failure != lastFailure, !failure.isEmpty { interrupt(failure) }
            lastFailure = failure
            let kilobytes = (pids + [getpid()]).reduce(0) { $0 + ProcessMemory.kilobytes(of: $1) }
            Terminal.status("\(pids.count + 1) processes, \(kilobytes / 1024) MB · \(text)")
        } else if text != last {
            Terminal.line(text)
        }
        last = text
    }

    /// Prints a line above the status.
    func interrupt(_ text: String) {
        if Terminal.isInteractive { Terminal.status("") }
        Terminal.line(text)
    }

    func end() {
        if Terminal.isInteractive { Terminal.line("") }
        Terminal.line("martlet has stopped")
    }
}
