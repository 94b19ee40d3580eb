internal import Glibc
import Synchronization

/// The texts of keys that were read before: all objects of a kind have the same ones, and looking one up costs a fraction
/// of making it again. A fixed number of them, whatever is read: a newer one takes the place of an older one.
struct JSONKeyTexts: @unchecked Sendable {
    // Sendable: the list of idle ones has it, or the one parser that borrowed it. A pointer and no object, so that asking
    // it counts no references.
    static let maximumLength = 64
    private static let places = 256

    private struct Place {
        /// The first and the last eight bytes, which overlap in short texts; of less than eight bytes those, and 0.
        var head: UInt64 = 0
        var tail: UInt64 = 0
        var text = ""
    }

    private let base: UnsafeMutablePointer<Place>

    private init() {
        base = .allocate(capacity: Self.places)
        base.initialize(repeating: Place(), count: Self.places)
    }

    private func free() {
        base.deinitialize(count: Self.places)
        base.deallocate()
    }

    /// The text of `count` ASCII bytes, at most `maximumLength`, of which `available` or more may be read.
    func text(_ bytes: UnsafePointer<UInt8>, _ count: Int, available: Int) -> String {
        let (head, tail) = Self.ends(UnsafeRawPointer(bytes), count, available)
        let mixed = (head ^ (tail &* 0x9e37_79b9_7f4a_7c15) ^ UInt64(count)) &* 0xff51_afd7_ed55_8ccd
        let place = base + Int(mixed >> 56)
        if place.pointee.head == head, place.pointee.tail == tail, place.pointee.text.utf8.count == count,
            count <= 16 || Self.isSame(place.pointee.text, bytes, count)
        {
            return place.pointee.text
        }
        let text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
        place.pointee = Place(head: head, tail: tail, text: text)
        return text
    }

    private static func ends(_ bytes: UnsafeRawPointer, _ count: Int, _ available: Int) -> (UInt64, UInt64) {
        if count >= 8 {
            return (
                bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            )
        }
        if available >= 8 {
            let word = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
            return (word & (1 << (8 * UInt64(count)) - 1), 0)
        }
        var word: UInt64 = 0
        for offset in 0..<count {
            word |= UInt64(bytes.load(fromByteOffset: offset, as: UInt8.self)) << (8 * UInt64(offset))
        }
        return (word, 0)
    }

    @inline(never)
    private static func isSame(_ text: String, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        text.utf8.withContiguousStorageIfAvailable { text in
            text.baseAddress.map { memcmp($0, bytes, count) == 0 } ?? false
        } ?? false
    }

    // MARK: Lending

    private static let idle = Mutex<[JSONKeyTexts]>([])
    /// As many as documents are usually read at a time.
    private static let maximumIdle = 8

    /// To be given back by whoever borrows it.
    static func borrow() -> JSONKeyTexts {
        idle.withLock { $0.popLast() } ?? JSONKeyTexts()
    }

    static func giveBack(_ texts: JSONKeyTexts) {
        let isKept = idle.withLock { idle in
            guard idle.count < maximumIdle else { return false }
            idle.append(texts)
            return true
        }
        if !isKept { texts.free() }
    }
}
