import Glibc

/// The status that `martlet up` keeps in view: one line that is rewritten on a terminal of its own, and lines only when
/// something changed elsewhere.
@MainActor
final class LiveStatus {
    /// Whether the line is rewritten in place. Not where other programs write to the same terminal.
    private let isLive: Bool
    private var last = ""
    private var lastTrouble = ""
    private var isReady = false

    init(isLive: Bool) { self.isLive = isLive && Terminal.isInteractive }

    func announce(_ lines: [String], elapsed: Duration) {
        isReady = true
        let (seconds, attoseconds) = elapsed.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        interrupt("martlet is ready after \(milliseconds) ms")
        for line in lines { interrupt("  \(line)") }
    }

    func update(texts: [String: String], pids: [pid_t], restarts: Int) {
        guard isReady else { return }
        let line = StatusLine(texts: texts, restarts: restarts)
        if isLive {
            // What is wrong stays on the screen in full; the line below it may be cut off.
            if line.trouble != lastTrouble, !line.trouble.isEmpty { interrupt(line.trouble) }
            lastTrouble = line.trouble
            let kilobytes = (pids + [getpid()]).reduce(0) { $0 + ProcessMemory.kilobytes(of: $1) }
            Terminal.status(line.text(processes: pids.count + 1, megabytes: kilobytes / 1024))
        } else if line.full != last {
            Terminal.line(line.full)
        }
        last = line.full
    }

    /// Prints a line above the status.
    func interrupt(_ text: String) {
        if isLive { Terminal.status("") }
        Terminal.line(text)
    }

    /// Leaves the status line, so that what follows begins a line.
    func end() {
        if isLive { Terminal.status("") }
    }
}

/// What is worth a place in the status line, the news first: a narrow terminal cuts off the end.
struct StatusLine: Equatable {
    /// What is wrong, in full; empty when nothing is.
    var trouble: String
    private var restarts: Int
    private var rest: [String]

    /// - Parameter texts: what each process says of itself, by its name.
    init(texts: [String: String], restarts: Int) {
        self.restarts = restarts
        var troubles: [String] = []
        rest = []
        for name in ["dataplane", "controllers", "apiserver"] {
            guard let text = texts[name] else { continue }
            let parts = text.split(separator: "; ", maxSplits: 1)
            if let part = parts.first, name != "controllers" { rest.append(String(part)) }
            if parts.count > 1 { troubles.append(String(parts[1])) }
        }
        trouble = troubles.joined(separator: "; ")
    }

    /// For a log: everything.
    var full: String { (news + rest).joined(separator: " · ") }

    /// For a terminal's line: what is wrong, what is served, what it costs, and then where.
    func text(processes: Int, megabytes: Int) -> String {
        let parts = rest.flatMap { $0.split(separator: " · ").map(String.init) }
        return (news + parts.prefix(1) + ["\(processes) processes, \(megabytes) MB"] + parts.dropFirst())
            .joined(separator: " · ")
    }

    private var news: [String] {
        (trouble.isEmpty ? [] : [trouble]) + (restarts > 0 ? [Terminal.count(restarts, "restart")] : [])
    }
}
