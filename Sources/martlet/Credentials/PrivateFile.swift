import Glibc

/// Small files that are written whole: a reader sees the old or the new content, never a part.
enum PrivateFile {
    /// nil when there is no such file.
    static func read(_ path: String) throws(FileError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw FileError("read", path: path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", path: path) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    /// Whole days since the file was written; `Int.max` when there is none.
    static func ageInDays(_ path: String) -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else { return .max }
        return max(0, time(nil) - status.st_mtim.tv_sec) / 86_400
    }

    /// Replaces the file atomically, unless it has this content and mode already: a restart on a full disk needs no
    /// space. The content is on disk when this returns; nothing is left behind when it throws.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(FileError) {
        var present = stat()
        if stat(path, &present) == 0, present.st_mode & 0o7777 == mode, present.st_size == bytes.count,
            try read(path) == bytes
        {
            return
        }
        let temporary = "\(path).\(getpid())\(leftoverSuffix)"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw FileError("write", path: path) }
        do throws(FileError) {
            defer { close(descriptor) }
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw FileError("write", path: path) }
                rest = rest.dropFirst(count)
            }
            guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0, rename(temporary, path) == 0 else {
                throw FileError("write", path: path)
            }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static let leftoverSuffix = ".new"

    /// Removes what writers that were killed left in a directory; those that live keep theirs.
    static func removeLeftovers(in directory: String) {
        for name in names(in: directory) where name.hasSuffix(leftoverSuffix) {
            let pid = name.dropLast(leftoverSuffix.count).split(separator: ".").last.flatMap { pid_t($0) }
            if let pid, pid > 0, kill(pid, 0) == 0 || errno != ESRCH, pid != getpid() { continue }
            if pid != nil { unlink("\(directory)/\(name)") }
        }
    }

    /// The names of a directory's entries; empty for one that cannot be read.
    static func names(in directory: String) -> [String] {
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
