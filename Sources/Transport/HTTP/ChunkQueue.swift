/// Byte arrays waiting to be sent, in order, shared rather than joined.
struct ChunkQueue: Sendable {
    private var chunks: [[UInt8]] = []
    private var first = 0
    private var offset = 0
    /// Bytes that were not taken yet.
    private(set) var byteCount = 0

    var isEmpty: Bool { byteCount == 0 }

    init() {}

    init(_ chunks: [[UInt8]]) {
        self.chunks = chunks
        byteCount = chunks.reduce(0) { $0 + $1.count }
    }

    mutating func append(_ chunk: [UInt8]) {
        guard !chunk.isEmpty else { return }
        chunks.append(chunk)
        byteCount += chunk.count
    }

    mutating func removeAll() { self = ChunkQueue() }

    /// Moves up to `limit` bytes to the end of `output`; returns how many.
    mutating func take(_ limit: Int, appendingTo output: inout [UInt8]) -> Int {
        let total = min(limit, byteCount)
        output.reserveCapacity(output.count + total)
        advance(total) { output.append(contentsOf: $0) }
        return total
    }

    /// What is left of the first chunk, if that is at least `minimum` bytes: large pieces go to the kernel in place.
    func leadingSlice(atLeast minimum: Int) -> ArraySlice<UInt8>? {
        guard first < chunks.count, chunks[first].count - offset >= minimum else { return nil }
        return chunks[first][offset...]
    }

    /// Drops bytes that were sent in place.
    mutating func drop(_ count: Int) {
        advance(min(count, byteCount)) { _ in }
    }

    private mutating func advance(_ total: Int, _ body: (ArraySlice<UInt8>) -> Void) {
        var remaining = total
        byteCount -= total
        while remaining > 0 {
            let end = min(chunks[first].count, offset + remaining)
            body(chunks[first][offset..<end])
            remaining -= end - offset
            if end == chunks[first].count {
                // Freed now: a queue of large pieces must not stay in memory until its last byte is sent.
                chunks[first] = []
                first += 1
                offset = 0
            } else {
                offset = end
            }
        }
        if byteCount == 0 {
            chunks.removeAll(keepingCapacity: chunks.capacity <= 64)
            first = 0
            offset = 0
        } else if first > 64, first > chunks.count / 2 {
            chunks.removeFirst(first)
            first = 0
        }
    }
}
