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

    /// Replaces the file atomically. The content is on disk when this returns.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(FileError) {
        let temporary = "\(path).\(getpid()).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw FileError("write", path: temporary) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw FileError("write", path: temporary) }
            rest = rest.dropFirst(count)
        }
        guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            throw FileError("write", path: path)
        }
    }
}
