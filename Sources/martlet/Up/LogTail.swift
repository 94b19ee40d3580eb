import Glibc
import System

/// The end of a child's log, to tell why it could not start.
enum LogTail {
    /// The last line that says something; nil for an empty or unreadable file.
    static func lastLine(of path: String) -> String? {
        // Unreadable is as good as empty: the caller says so.
        guard let bytes = try? FileBytes.readIfPresent(path) else { return nil }
        return bytes.split(separator: UInt8(ascii: "\n")).last.map { line in
            let text = String(decoding: line, as: UTF8.self)
            let prefix = "martlet: "
            return text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
        }
    }
}
