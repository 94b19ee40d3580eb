internal import Glibc

/// Blocks of memory for ``ByteBuffer``s of one event loop, in a few size classes with free lists.
struct BufferPool: ~Copyable {
    /// 4, 16, 64 and 256 KiB; anything larger is not pooled.
    private static var classCount: Int { 4 }
    private static var smallest: Int { 4096 }

    private var heads: InlineArray<4, UnsafeMutableRawPointer?> = .init(repeating: nil)
    private var retained: InlineArray<4, Int> = .init(repeating: 0)
    /// Bytes in buffers that are in use.
    private(set) var bytesInUse = 0

    init() {}

    deinit {
        for index in 0..<Self.classCount {
            var next = heads[index]
            while let block = next {
                next = block.load(as: UnsafeMutableRawPointer?.self)
                free(block)
            }
        }
    }

    private static func classIndex(_ size: Int) -> Int {
        size <= 4096 ? 0 : size <= 16384 ? 1 : size <= 65536 ? 2 : size <= 262_144 ? 3 : classCount
    }

    /// An empty buffer with room for at least `size` bytes.
    mutating func take(_ size: Int) -> ByteBuffer {
        let index = Self.classIndex(size)
        let capacity = index < Self.classCount ? Self.smallest << (2 * index) : size
        bytesInUse += capacity
        if index < Self.classCount, let block = heads[index] {
            heads[index] = block.load(as: UnsafeMutableRawPointer?.self)
            retained[index] -= 1
            return ByteBuffer(base: block.assumingMemoryBound(to: UInt8.self), capacity: capacity)
        }
        guard let block = malloc(capacity) else { preconditionFailure("out of memory") }
        return ByteBuffer(base: block.assumingMemoryBound(to: UInt8.self), capacity: capacity)
    }

    /// Takes the memory of `buffer` back and leaves it empty.
    mutating func release(_ buffer: inout ByteBuffer) {
        guard let base = buffer.base else { return }
        let block = UnsafeMutableRawPointer(base)
        let index = Self.classIndex(buffer.capacity)
        bytesInUse -= buffer.capacity
        buffer = ByteBuffer()
        // Half a MiB a class is kept: enough for a burst, nothing to speak of when idle.
        if index < Self.classCount, retained[index] < 128 >> (2 * index) {
            block.storeBytes(of: heads[index], as: UnsafeMutableRawPointer?.self)
            heads[index] = block
            retained[index] += 1
        } else {
            free(block)
        }
    }

    /// Makes room for `more` bytes behind the content, moving or reallocating it as needed.
    mutating func reserve(_ more: Int, in buffer: inout ByteBuffer) {
        if buffer.base != nil, buffer.room >= more { return }
        if let base = buffer.base, buffer.count + more <= buffer.capacity {
            memmove(base, base + buffer.start, buffer.count)
            buffer.end -= buffer.start
            buffer.start = 0
            return
        }
        var larger = take(max(buffer.count + more, buffer.capacity))
        if let base = buffer.base { larger.append(base + buffer.start, buffer.count) }
        release(&buffer)
        buffer = larger
    }
}
