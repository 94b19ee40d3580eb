import Foundation

/// The project's own files, as the convention tests read them.
struct Sources {
    struct File {
        /// Relative to the package's root, with `/` between the parts.
        let path: String
        let text: String
        var name: String { String(path.split(separator: "/").last ?? "") }
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every Swift file below `folder`, sorted by path.
    static func swiftFiles(below folder: String) throws -> [File] {
        let base = root.appending(path: folder)
        guard let walker = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else { return [] }
        var files: [File] = []
        for case let url as URL in walker where url.pathExtension == "swift" && !url.path.contains("/.build/") {
            let path = String(url.path.dropFirst(root.path.count)).drop { $0 == "/" }
            files.append(File(path: String(path), text: try String(contentsOf: url, encoding: .utf8)))
        }
        return files.sorted { $0.path < $1.path }
    }
}
