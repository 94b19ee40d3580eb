import Glibc

/// Where SQLite's write-ahead log stops making sense, and whether whole commits lie behind that place.
///
/// The format is <https://www.sqlite.org/fileformat2.html#walformat>: a header, then frames with a page each, every one
/// with the header's two salts and a checksum over all up to it. A log that ends has nothing of its own generation behind
/// its last commit, but for what one interrupted commit left there.
struct LogTail: Equatable {
    /// Frames whose checksums hold.
    private(set) var goodFrames = 0
    /// Those up to the last commit: what is behind them is of no use to anybody.
    private(set) var committedFrames = 0
    /// Frames behind those that belong to the same generation and end a commit.
    private(set) var lostCommits = 0

    /// A second one can't have been begun before the first was on disk.
    var hasLostCommits: Bool { lostCommits > 1 }

    static let headerBytes = 32
    static let frameHeaderBytes = 24

    private var reader: Reader?

    private struct Reader: Equatable {
        let pageBytes: Int
        let isBigEndian: Bool
        let salts: UInt64
        var sum: (UInt32, UInt32)
        var isBroken = false

        static func == (left: Reader, right: Reader) -> Bool { left.salts == right.salts && left.sum == right.sum }

        mutating func add(_ bytes: UnsafeRawBufferPointer) {
            var (first, second) = sum
            for offset in stride(from: 0, to: bytes.count - 7, by: 8) {
                first &+= word(bytes, offset) &+ second
                second &+= word(bytes, offset + 4) &+ first
            }
            sum = (first, second)
        }

        private func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
            let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            return isBigEndian ? UInt32(bigEndian: word) : UInt32(littleEndian: word)
        }
    }

    private static func bigEndian(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// Reads a log's header.
    /// - Returns: bytes of each frame; nil where the header itself is none, so that nothing can be said.
    mutating func begin(_ header: UnsafeRawBufferPointer) -> Int? {
        guard header.count == Self.headerBytes else { return nil }
        let magic = Self.bigEndian(header, 0)
        let pageBytes = Int(Self.bigEndian(header, 8))
        guard magic & ~1 == 0x377f_0682, pageBytes >= 512, pageBytes <= 65536 else { return nil }
        var reader = Reader(
            pageBytes: pageBytes, isBigEndian: magic & 1 == 1,
            salts: header.loadUnaligned(fromByteOffset: 16, as: UInt64.self), sum: (0, 0))
        reader.add(UnsafeRawBufferPointer(rebasing: header[..<24]))
        guard reader.sum == (Self.bigEndian(header, 24), Self.bigEndian(header, 28)) else { return nil }
        self.reader = reader
        return pageBytes + Self.frameHeaderBytes
    }

    /// Takes the next whole frame.
    mutating func take(_ frame: UnsafeRawBufferPointer) {
        guard var reader else { return }
        let isOfThisGeneration = frame.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == reader.salts
        if !reader.isBroken {
            if isOfThisGeneration {
                reader.add(UnsafeRawBufferPointer(rebasing: frame[..<8]))
                reader.add(UnsafeRawBufferPointer(rebasing: frame[Self.frameHeaderBytes...]))
            }
            reader.isBroken =
                !isOfThisGeneration || reader.sum != (Self.bigEndian(frame, 16), Self.bigEndian(frame, 20))
            if !reader.isBroken {
                goodFrames += 1
                if Self.bigEndian(frame, 4) != 0 { committedFrames = goodFrames }
            }
            self.reader = reader
            if !reader.isBroken { return }
        }
        if isOfThisGeneration, Self.bigEndian(frame, 4) != 0 { lostCommits += 1 }
    }

    /// Reads a log; one that is not there has nothing lost.
    /// - Throws: `io`.
    static func read(_ path: String) throws(StoreError) -> LogTail {
        var tail = LogTail()
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return tail }
            throw StoreError(errno: errno, "cannot open \(path)")
        }
        defer { Glibc.close(descriptor) }
        var header = [UInt8](repeating: 0, count: headerBytes)
        let length = pread(descriptor, &header, headerBytes, 0)
        guard length >= 0 else { throw StoreError(errno: errno, "cannot read \(path)") }
        guard let frameBytes = header.prefix(length).withUnsafeBytes({ tail.begin($0) }) else { return tail }
        let framesAtOnce = max(1, (256 << 10) / frameBytes)
        var buffer = [UInt8](repeating: 0, count: framesAtOnce * frameBytes)
        var offset = headerBytes
        while true {
            let count = pread(descriptor, &buffer, buffer.count, off_t(offset))
            guard count >= 0 else { throw StoreError(errno: errno, "cannot read \(path)") }
            let frames = count / frameBytes
            buffer.withUnsafeBytes { bytes in
                for frame in 0..<frames {
                    tail.take(UnsafeRawBufferPointer(rebasing: bytes[frame * frameBytes..<(frame + 1) * frameBytes]))
                }
            }
            // What is less than a frame was never a commit's end.
            guard frames > 0 else { return tail }
            offset += frames * frameBytes
        }
    }
}
