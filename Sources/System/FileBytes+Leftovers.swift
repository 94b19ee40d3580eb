internal import Glibc

/// Directories that hold small files.
extension FileBytes {
    /// Ends the name of a file that is being written, after the number of the process.
    static let leftoverSuffix = ".new"

    /// Removes what writers that were killed left in a directory; those that live keep theirs.
    package static func removeLeftovers(in directory: String) {
        for name in names(in: directory) where name.hasSuffix(leftoverSuffix) {
            let pid = name.dropLast(leftoverSuffix.count).split(separator: ".").last.flatMap { pid_t($0) }
            if let pid, pid > 0, kill(pid, 0) == 0 || errno != ESRCH, pid != getpid() { continue }
            if pid != nil { unlink("\(directory)/\(name)") }
        }
    }

    /// The names of a directory's entries; empty for one that cannot be read.
    package static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
