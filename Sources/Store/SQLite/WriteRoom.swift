/// Where writes find their room on a disk that may be nearly full. Bytes.
///
/// A commit needs room twice: in the write-ahead log at once, and at the end of the file when the log is carried over,
/// as far as no pages inside the file are free. A log that finds no room to be carried over can't be emptied, and then
/// nothing can be written any more, deletes included; so both are looked at before the commit.
struct WriteRoom: Equatable {
    enum Source {
        /// The disk has enough beside the reserve.
        case disk
        /// Pages inside the file are free. The log's part comes out of the reserve, and returns to it when the log has been
        /// carried over, which makes the file no larger.
        case freePages
        case none
    }

    /// What the disk has besides the reserve.
    var besideReserve: Int
    /// Pages inside the file that hold nothing.
    var insideFile: Int
    /// What the file has to grow by when the log, as it is, is carried over.
    var pendingGrowth: Int
    /// What is held back now.
    var reserve: Int

    /// What is left over for the pages that only a commit knows of: of indexes and of the lists of free pages.
    static let margin = 64 << 10

    func source(of bytes: Int) -> Source {
        let growth = max(0, bytes - insideFile) + pendingGrowth
        if besideReserve >= bytes + growth { return .disk }
        guard insideFile >= bytes + Self.margin, besideReserve + reserve >= bytes + pendingGrowth + Self.margin else {
            return .none
        }
        return .freePages
    }

    /// About what a group takes in the log: the pages of each value, and those above it in the table and its index.
    static func bytes(of writes: some Sequence<Write>) -> Int {
        var pages = 8
        for write in writes {
            switch write {
            case .create(_, let value), .update(_, let value, _): pages += value.count / (StoreFiles.pageBytes - 12) + 3
            case .delete: pages += 2
            }
        }
        return pages * (StoreFiles.pageBytes + LogTail.frameHeaderBytes)
    }
}
