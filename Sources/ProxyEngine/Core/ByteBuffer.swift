internal import Glibc

/// Bytes that a connection had to keep: a partial head, a request that may have to be sent again, or what a slow
/// reader has not taken yet. Empty buffers own no memory. A plain value; the owner returns it to its ``BufferPool``.
struct ByteBuffer: BitwiseCopyable {
    private(set) var base: UnsafeMutablePointer<UInt8>?
    private(set) var capacity = 0
    /// Offset of the first byte that has not been consumed.
    var start = 0
    /// Offset behind the last byte.
    var end = 0

    init() {}

    /// For ``BufferPool``, which takes the memory back.
    init(base: UnsafeMutablePointer<UInt8>, capacity: Int) {
        self.base = base
        self.capacity = capacity
    }

    var count: Int { end - start }
    var isEmpty: Bool { start == end }
    var room: Int { capacity - end }

    /// The bytes not consumed. Only for a buffer that has memory.
    var bytes: UnsafeMutablePointer<UInt8> { base! + start }

    /// The same, nil for none.
    var readable: UnsafeMutableBufferPointer<UInt8>? {
        isEmpty ? nil : UnsafeMutableBufferPointer(start: bytes, count: count)
    }

    /// The bytes not consumed, in an array.
    var copied: [UInt8] { isEmpty ? [] : Array(UnsafeBufferPointer(start: bytes, count: count)) }

    /// Copies `count` bytes behind the last one; the room must have been reserved.
    mutating func append(_ source: UnsafePointer<UInt8>, _ count: Int) {
        precondition(count <= room)
        if count > 0 { memcpy(base! + end, source, count) }
        end += count
    }
}
