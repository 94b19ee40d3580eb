/// Writes a message into room that somebody else owns. What does not fit is not written, and ``isFull`` says so.
///
/// The room must outlive the value.
package struct MessageWriter {
    private let room: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    /// How far it may be filled; never beyond the room.
    package private(set) var limit: Int
    /// Bytes written.
    package private(set) var count = 0
    /// Something did not fit since this was last cleared.
    package var isFull = false

    package init(_ room: UnsafeMutableRawBufferPointer) {
        // An empty buffer has no address; nothing is written to it either.
        self.room = room.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? Self.nowhere
        capacity = room.count
        limit = room.count
    }

    private static var nowhere: UnsafeMutablePointer<UInt8> {
        UnsafeMutablePointer(bitPattern: 1).unsafelyUnwrapped
    }

    /// Empties it and says how many bytes it may have.
    package mutating func begin(limit: Int) {
        self.limit = min(max(0, limit), capacity)
        count = 0
        isFull = false
    }

    /// Keeps `bytes` at the end free for what comes last.
    package mutating func reserve(_ bytes: Int) { limit = max(count, limit - bytes) }

    /// Gives back what ``reserve(_:)`` kept.
    package mutating func release(_ bytes: Int) { limit = min(capacity, limit + bytes) }

    /// Takes back everything behind `mark`, a former ``count``.
    package mutating func rewind(to mark: Int) { count = min(count, max(0, mark)) }

    /// What was written so far.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: room, count: count) }

    package mutating func append(_ byte: UInt8) {
        guard count < limit else {
            isFull = true
            return
        }
        room[count] = byte
        count += 1
    }

    package mutating func append(_ value: UInt16) {
        guard count + 2 <= limit else {
            isFull = true
            return
        }
        room[count] = UInt8(truncatingIfNeeded: value >> 8)
        room[count + 1] = UInt8(truncatingIfNeeded: value)
        count += 2
    }

    package mutating func append(_ value: UInt32) {
        guard count + 4 <= limit else {
            isFull = true
            return
        }
        append(UInt16(truncatingIfNeeded: value >> 16))
        append(UInt16(truncatingIfNeeded: value))
    }

    /// `range` of `source`, all of it or nothing.
    package mutating func append(_ source: Span<UInt8>, _ range: Range<Int>) {
        guard count + range.count <= limit else {
            isFull = true
            return
        }
        precondition(range.lowerBound >= 0 && range.upperBound <= source.count, "a copy stays inside of its source")
        source.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress, !range.isEmpty else { return }
            (room + count).update(from: base + range.lowerBound, count: range.count)
        }
        count += range.count
    }

    package mutating func append(_ source: [UInt8]) { append(source.span, 0..<source.count) }

    package mutating func append(_ name: WireName) {
        guard count + name.count <= limit else {
            isFull = true
            return
        }
        for index in 0..<name.count { room[count + index] = name[index] }
        count += name.count
    }

    /// Overwrites two bytes that were written before.
    package mutating func put(_ value: UInt16, at index: Int) {
        guard index >= 0, index + 2 <= count else { return }
        room[index] = UInt8(truncatingIfNeeded: value >> 8)
        room[index + 1] = UInt8(truncatingIfNeeded: value)
    }

    /// Overwrites four bytes that were written before.
    package mutating func put(_ value: UInt32, at index: Int) {
        put(UInt16(truncatingIfNeeded: value >> 16), at: index)
        put(UInt16(truncatingIfNeeded: value), at: index + 2)
    }
}
