import Glibc

/// Room on the disk that is held back (`PATH-reserve`) for the writes that make room: on a full disk a delete needs some
/// pages of the write-ahead log before compaction can give any back.
///
/// It is let go of in pieces, so that others on the disk can take little of it.
final class SpaceReserve: @unchecked Sendable {
    // Sendable: after `init` it is used by the writer's thread only.
    private let descriptor: Int32
    let wanted: Int
    private let piece: Int
    /// Bytes that are held back now.
    private(set) var held = 0

    /// Finds what is held back from before; `regain` takes more.
    /// - Throws: `io` when the file can't be made; a full disk is no error.
    init(path: String, bytes: Int, piece: Int = 256 << 10) throws(StoreError) {
        wanted = max(bytes, 0)
        self.piece = max(piece, 4096)
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 || errno == ENOSPC || errno == EDQUOT else {
            throw StoreError(errno: errno, "cannot open \(path)")
        }
        descriptor = opened
        guard opened >= 0 else { return }
        var status = stat()
        // What is held in blocks counts; a file that was copied may have holes.
        if fstat(opened, &status) == 0 { held = min(Int(status.st_size), Int(status.st_blocks) * 512, wanted) }
        _ = ftruncate(opened, off_t(held))
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    var isWhole: Bool { held >= wanted }

    /// Whether it is large enough to go on with: who races for the last bytes of a disk may win some.
    var isEnough: Bool { held >= wanted / 2 }

    /// Takes back what can be had.
    /// - Returns: whether the reserve is whole.
    @discardableResult
    func regain() -> Bool {
        while held < wanted {
            let next = min(held + piece, wanted)
            guard descriptor >= 0, posix_fallocate(descriptor, off_t(held), off_t(next - held)) == 0 else {
                // What was found of the piece must not stay behind the file's end.
                if descriptor >= 0 { _ = ftruncate(descriptor, off_t(held)) }
                return false
            }
            held = next
        }
        return true
    }

    /// Whether the reserve is whole, or can be made so, with as much room beside it: more than one write of usual size
    /// needs, so that what was refused for want of room is not refused again at once.
    func isRoomBeside() -> Bool {
        guard regain() else { return false }
        guard descriptor >= 0, wanted > 0 else { return true }
        defer { _ = ftruncate(descriptor, off_t(held)) }
        return posix_fallocate(descriptor, off_t(held), off_t(wanted)) == 0
    }

    /// What the disk has for this user besides the reserve, in bytes; as much as there can be where nobody can tell.
    var freeBytesBeside: Int {
        var status = statvfs()
        guard descriptor >= 0, fstatvfs(descriptor, &status) == 0 else { return .max }
        return Int(
            clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
    }

    /// Gives a piece to whoever needs it first.
    /// - Returns: whether there was one left.
    func release() -> Bool {
        guard held > 0 else { return false }
        held = max(held - piece, 0)
        return ftruncate(descriptor, off_t(held)) == 0
    }
}
