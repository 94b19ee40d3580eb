import Glibc
import System

/// The end of a child's log, to tell why it could not start.
enum LogTail {
    /// The last line that says something; nil for an empty or unreadable file.
    static func lastLine(of path: String) -> String? {
        // Unreadable is as good as empty: the caller says so.
        guard let bytes = try? FileBytes.readIfPresent(path) else { return nil }
        return reason(String(decoding: bytes.suffix(64 << 10), as: UTF8.self))
    }

    /// Why a log is empty: a full disk takes no words either.
    static func silence(of path: String) -> String {
        let log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard log >= 0 else { return "it could not write: \(SystemError("open \(path)", number: errno))" }
        defer { close(log) }
        guard write(log, "\n", 1) == 1 else {
            return "it could not write: \(SystemError("write \(path)", number: errno))"
        }
        return "it wrote nothing to its log"
    }

    /// The reason that a program's last words give: a line that names an error, with what comes behind its prefix, or else
    /// the last one. Lines about usage follow the error that they are about.
    static func reason(_ text: String) -> String? {
        let lines = text.split(separator: "\n").suffix(12)
        for line in lines.reversed() {
            for prefix in ["martlet: ", "Error: "] where line.hasPrefix(prefix) {
                return String(line.dropFirst(prefix.count))
            }
        }
        return lines.last.map { String($0) }
    }
}
