import Glibc

/// The last revision that was acknowledged, in a file of its own beside the store (`PATH-mark`: its digits and a newline).
///
/// SQLite takes the end of its log to be where a checksum fails, so a log that is cut or flipped halfway looks like one
/// that ends there. The mark knows better. It is written after the fsync of a commit and before its writes are answered,
/// without an fsync of its own: after the end of a process it is exact, after a power cut it may be too low, and then
/// misses what it would have noticed. It is never too high.
final class HighWaterMark: Sendable {
    enum Content: Equatable {
        case absent
        case revision(Revision)
        /// An operator wrote `accept`: what is there is taken as it is.
        case accepted
        case unreadable
    }

    /// What the file said when it was opened.
    let opened: Content
    let path: String
    private let descriptor: Int32

    /// - Throws: `io`, `full`.
    init(path: String) throws(StoreError) {
        self.path = path
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError(errno: errno, "cannot open \(path)") }
        self.descriptor = descriptor
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count >= 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw StoreError(errno: code, "cannot read \(path)")
        }
        opened = HighWaterMark.content(bytes.prefix(count))
    }

    deinit {
        Glibc.close(descriptor)
    }

    static func content(_ bytes: ArraySlice<UInt8>) -> Content {
        if bytes.isEmpty { return .absent }
        let text = bytes.last == 0x0A ? bytes.dropLast() : bytes
        if text.elementsEqual("accept".utf8) { return .accepted }
        guard let number = Int64(String(decoding: text, as: UTF8.self)), number >= 0 else { return .unreadable }
        return .revision(Revision(number))
    }

    /// - Throws: `io`, `full`; the file says what it said before, or the new revision.
    func set(_ revision: Revision) throws(StoreError) {
        // Always as long, so that the bytes replace the old ones in one sector. On the stack: this runs with every commit.
        var line = InlineArray<20, UInt8>(repeating: 0x30)
        line[19] = 0x0A
        var rest = revision.rawValue
        var place = 18
        while rest > 0, place >= 0 {
            line[place] += UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
            place -= 1
        }
        let written = line.span.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard written == 20 else { throw StoreError(errno: written < 0 ? errno : ENOSPC, "cannot write \(path)") }
    }

    /// Makes a new file's length what `set` writes, whatever an operator wrote before.
    func begin(at revision: Revision) throws(StoreError) {
        // In this order: a file that was made longer and then found no room would say nothing that can be read.
        try set(revision)
        guard ftruncate(descriptor, 20) == 0 else { throw StoreError(errno: errno, "cannot write \(path)") }
    }

    /// Brings the mark to disk, so that a power cut leaves it no older than this. What fails is not told: it will be done
    /// again, and the mark is a second witness only.
    func sync() {
        _ = fdatasync(descriptor)
    }
}
