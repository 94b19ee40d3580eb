import Glibc

/// Reads small files whole.
enum FileBytes {
    /// - Throws: `ClientError` with code `configuration` and the system's words.
    static func read(_ path: String) throws(ClientError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return result }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(path)
            }
            result += chunk[..<count]
        }
    }

    private static func failure(_ path: String) -> ClientError {
        ClientError(.configuration, "\(path): \(String(cString: strerror(errno)))")
    }
}
