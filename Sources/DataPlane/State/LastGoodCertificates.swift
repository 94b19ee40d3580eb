import Glibc
package import Logging
import Synchronization
import System

/// The certificates that are served although their Secrets have turned bad, in a private directory: what works survives a
/// restart of the data plane.
///
/// A key lies here only for as long as its Secret exists and cannot be served. Files are named for the Secret's UID, so that
/// another Secret of the same name never gets what was its predecessor's.
package final class LastGoodCertificates: Sendable {
    private static let suffix = ".pem"
    /// The API takes no larger Secrets; base64 and a boundary are less than the rest.
    private static let limit = 2 << 20

    private let directory: String
    private let logger: Logger
    /// UIDs of Secrets that exist.
    private let known = Mutex<Set<String>>([])

    /// Makes the directory where it is missing.
    ///
    /// - Throws: `DataPlaneError` when it is not this user's alone: others could read keys, or have theirs served.
    package init(directory: String, logger: Logger) throws(DataPlaneError) {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw DataPlaneError(message: "\(SystemError("make the directory \(directory)", number: errno))")
        }
        var status = stat()
        guard lstat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0
        else {
            throw DataPlaneError(
                message:
                    "\(directory) must be a directory of this user's alone (chmod 700): private keys are kept there")
        }
        FileBytes.removeLeftovers(in: directory)
        self.directory = directory
        self.logger = logger
    }

    /// The Secret can be served, and is: nothing of it is needed here.
    package func forget(_ uid: String) {
        guard let path = path(uid) else { return }
        known.withLock { _ = $0.insert(uid) }
        remove(path: path)
    }

    /// The Secret is gone.
    package func remove(_ uid: String) {
        guard let path = path(uid) else { return }
        known.withLock { _ = $0.remove(uid) }
        remove(path: path)
    }

    /// The Secret cannot be served, and this is served in its place.
    package func keep(_ certificate: TLSSecret, of uid: String) {
        guard let path = path(uid) else { return }
        known.withLock { _ = $0.insert(uid) }
        let head = Array("\(certificate.certificateChainPEM.count)\n".utf8)
        do throws(SystemError) {
            try FileBytes.replace(
                path, with: head + certificate.certificateChainPEM + certificate.privateKeyPEM, mode: 0o600)
        } catch {
            logger.warning("the last good certificate is lost with this process: \(error)")
        }
    }

    /// What was served in the place of a Secret that cannot be served; nil where there is nothing that could be.
    package func recall(_ uid: String) -> TLSSecret? {
        guard let path = path(uid) else { return nil }
        known.withLock { _ = $0.insert(uid) }
        guard let bytes = try? FileBytes.read(path, limit: Self.limit), let end = bytes.firstIndex(of: 0x0A),
            let count = Int(String(decoding: bytes[..<end], as: UTF8.self)), count > 0, count < bytes.count - end - 1
        else { return nil }
        let chain = bytes[(end + 1)...].prefix(count)
        return TLSSecret(certificatePEM: Array(chain), keyPEM: Array(bytes[chain.endIndex...]))
    }

    /// Every Secret has been told about: files of others are removed.
    package func sweep() {
        let known = known.withLock { $0 }
        for name in FileBytes.names(in: directory) where name.hasSuffix(Self.suffix) {
            if !known.contains(String(name.dropLast(Self.suffix.count))) { remove(path: "\(directory)/\(name)") }
        }
    }

    private func remove(path: String) {
        guard unlink(path) != 0, errno != ENOENT else { return }
        logger.warning("a private key stays on disk: \(SystemError("remove \(path)", number: errno))")
    }

    /// Nil for a UID that is no file's name: it was not made by an API server.
    private func path(_ uid: String) -> String? {
        let isName = uid.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return isName && (1...128).contains(uid.utf8.count) ? "\(directory)/\(uid)\(Self.suffix)" : nil
    }
}
