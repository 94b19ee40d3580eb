internal import Glibc

/// Reading and writing the files that keys and certificates live in.
package enum PEMFile {
    /// The whole file, up to 1 MiB.
    package static func read(_ path: String) throws(TransportError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw .system(errno, path)
            }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= 1 << 20 else { throw TransportError(.limitExceeded, "\(path) is larger than 1 MiB") }
        }
    }

    /// Replaces the file as a whole: readers see the old or the new content, and never with another mode.
    package static func write(_ bytes: [UInt8], to path: String, mode: UInt32) throws(TransportError) {
        let temporary = path + ".new"
        _ = unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode))
        guard descriptor >= 0 else { throw .system(errno, temporary) }
        do throws(TransportError) {
            defer { close(descriptor) }
            guard fchmod(descriptor, mode_t(mode)) == 0 else { throw .system(errno, temporary) }
            var written = 0
            while written < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
                }
                guard count > 0 else {
                    if errno == EINTR { continue }
                    throw .system(errno, temporary)
                }
                written += count
            }
            guard fsync(descriptor) == 0 else { throw .system(errno, temporary) }
        } catch {
            _ = unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else { throw .system(errno, path) }
    }
}
