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
