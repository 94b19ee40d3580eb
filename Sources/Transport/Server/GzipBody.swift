internal import CZlib

/// A body that is compressed (RFC 1952) while it is sent, a piece at a time: nothing but the stored pieces and zlib's
/// quarter of a megabyte is in memory, and no call takes longer than its share of a loop. Loop-confined.
///
/// `@unchecked Sendable`: used on its connection's loop only.
final class GzipBody: @unchecked Sendable {
    /// Bytes that go into one call: about a millisecond.
    private static let stride = 128 << 10
    /// The level that kube-apiserver uses: others cost more than the network gains.
    private static let level: Int32 = 1

    private var source: ChunkQueue
    /// On the heap: zlib remembers the address.
    private let stream: UnsafeMutablePointer<z_stream>
    /// What zlib is being fed.
    private var input: [UInt8] = []
    private var used = 0
    private(set) var isEnded = false

    /// nil when there is no memory for it: the body goes as it is.
    init?(_ body: [[UInt8]]) {
        source = ChunkQueue(body)
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard martlet_deflate_init(stream, Self.level) == Z_OK else { return nil }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Bytes of the body that were not compressed yet.
    var pendingBytes: Int { source.byteCount + input.count - used }

    /// Fills the start of `output` with at least one byte, unless it is empty or everything was taken.
    func take(into output: UnsafeMutableRawBufferPointer) -> Int {
        var produced = 0
        var fed = 0
        while !isEnded, produced < output.count, produced == 0 || fed < Self.stride {
            if used == input.count, !source.isEmpty {
                input.removeAll(keepingCapacity: true)
                used = 0
                fed += source.take(Self.stride, appendingTo: &input)
            }
            produced += deflateOnce(UnsafeMutableRawBufferPointer(rebasing: output[produced...]))
        }
        return produced
    }

    private func deflateOnce(_ output: UnsafeMutableRawBufferPointer) -> Int {
        let isLast = source.isEmpty
        return input.withUnsafeMutableBytes { bytes in
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[used...])
            stream.pointee.next_in = rest.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_in = UInt32(rest.count)
            stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(output.count)
            let result = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
            used = bytes.count - Int(stream.pointee.avail_in)
            if result == Z_STREAM_END { isEnded = true }
            return output.count - Int(stream.pointee.avail_out)
        }
    }
}
