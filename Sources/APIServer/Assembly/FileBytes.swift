import Glibc

/// Small files, read whole.
enum FileBytes {
    /// - Throws: `unreadableFile` with the path and the system's reason.
    static func read(_ path: String) throws(APIServerError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw unreadable(path)
            }
            bytes += chunk[..<count]
        }
    }

    private static func unreadable(_ path: String) -> APIServerError {
        APIServerError(.unreadableFile, "\(path): \(String(cString: strerror(errno)))")
    }
}
