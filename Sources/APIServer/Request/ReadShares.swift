import Transport

/// Who has how many of the places for reads, and how much of the answers that wait: one reader has half of either at most,
/// so that one who takes none of his answers does not keep the others from asking.
///
/// Beyond that, and when all places are taken, a few more are for small answers alone: these lie in the socket's buffer, and
/// cost nothing, whether their reader takes them or not. Whether an answer is small shows when it is made.
struct ReadShares {
    enum Admission: Equatable {
        case refused
        /// Only an answer of at most `smallAnswer` bytes may be given.
        case small
        case any
    }

    private struct Holding {
        var places = 0
        var bytes = 0
    }

    /// What fits beside the frames and headers into the smallest buffer that Linux gives a sending socket, 16 KiB.
    static let smallAnswer = 12 << 10

    private let maxPlaces: Int
    private let maxBytes: Int
    private(set) var places = 0
    private var holdings: [RequestSender?: Holding] = [:]

    /// - Parameters:
    ///   - maxPlaces: A quarter more is for small answers, and another one for readers on the unix socket.
    ///   - maxBytes: While more than this waits, answers are small; but up to a quarter more is for readers for whom nothing
    ///     waits.
    init(maxPlaces: Int, maxBytes: Int) {
        self.maxPlaces = maxPlaces
        self.maxBytes = maxBytes
    }

    /// Takes a place, unless it is refused.
    /// - Parameter waiting: bytes of large answers that wait for anybody.
    mutating func enter(_ reader: RequestSender?, waiting: Int) -> Admission {
        let own = holdings[reader] ?? Holding()
        let half = max(maxPlaces / 2, 1)
        let more = maxPlaces / 4
        let reserve = reader?.isLocal == true ? more : 0
        guard places < maxPlaces + more + reserve, own.places < half + more else { return .refused }
        let isInPlaces = places < maxPlaces + reserve && own.places < half
        let isInBytes =
            own.bytes == 0
            ? waiting <= maxBytes + maxBytes / 4 : waiting <= maxBytes && own.bytes <= maxBytes / 2
        places += 1
        holdings[reader, default: Holding()].places += 1
        return isInPlaces && isInBytes ? .any : .small
    }

    /// Counts a large answer of a reader who has a place.
    mutating func hold(_ bytes: Int, for reader: RequestSender?) {
        holdings[reader, default: Holding()].bytes += bytes
    }

    /// Gives a place back, and the bytes that it held.
    mutating func leave(_ reader: RequestSender?, held bytes: Int) {
        places -= 1
        guard var own = holdings[reader] else { return }
        own.places -= 1
        own.bytes -= bytes
        holdings[reader] = own.places > 0 ? own : nil
    }
}
