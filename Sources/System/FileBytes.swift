package import Glibc

/// Small files, read and written whole.
package enum FileBytes {
    /// - Parameter limit: the most bytes the file may have; longer ones fail with EFBIG.
    package static func read(_ path: String, limit: Int = .max) throws(SystemError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("read \(path)", number: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw SystemError("read \(path)", number: errno)
            }
            bytes += chunk[..<count]
            guard bytes.count <= limit else { throw SystemError("read \(path)", number: EFBIG) }
        }
    }

    /// nil when there is no such file.
    package static func readIfPresent(_ path: String) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            return try read(path)
        } catch {
            if error.number == ENOENT { return nil }
            throw error
        }
    }

    /// Whole days since the file was written; `Int.max` when there is none.
    package static func ageInDays(_ path: String) -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else { return .max }
        return max(0, time(nil) - status.st_mtim.tv_sec) / 86_400
    }

    /// Replaces the file as a whole, unless it has this content and mode already (a restart on a full disk needs no
    /// space): readers see the old or the new content, never a part of it and never with another mode. The content is on
    /// disk when this returns; nothing is left behind when it throws.
    package static func replace(_ path: String, with bytes: [UInt8], mode: mode_t = 0o600) throws(SystemError) {
        var present = stat()
        if stat(path, &present) == 0, present.st_mode & 0o7777 == mode, present.st_size == bytes.count,
            try read(path) == bytes
        {
            return
        }
        let temporary = "\(path).\(getpid())\(leftoverSuffix)"
        // What a process of the same number left behind; usually there is nothing.
        _ = unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw SystemError("write \(temporary)", number: errno) }
        do throws(SystemError) {
            defer { close(descriptor) }
            // The mask of the process may have taken bits away.
            guard fchmod(descriptor, mode) == 0 else { throw SystemError("write \(temporary)", number: errno) }
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 else {
                    if errno == EINTR { continue }
                    throw SystemError("write \(temporary)", number: errno)
                }
                rest = rest.dropFirst(count)
            }
            guard fsync(descriptor) == 0 else { throw SystemError("write \(temporary)", number: errno) }
        } catch {
            _ = unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let number = errno
            _ = unlink(temporary)
            throw SystemError("write \(path)", number: number)
        }
    }
}
