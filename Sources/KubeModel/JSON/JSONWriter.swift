internal import Glibc

/// Writes JSON text into memory of its own: twice as fast as appending to an array, which looks for room and for other
/// owners at each quote and comma.
struct JSONWriter: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var count = 0
    private var capacity: Int

    init(capacity: Int = 4096) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// What was written so far.
    borrowing func bytes() -> [UInt8] {
        let (base, count) = (base, count)
        return Array(unsafeUninitializedCapacity: count) { buffer, filled in
            buffer.baseAddress?.initialize(from: base, count: count)
            filled = count
        }
    }

    borrowing func append(to output: inout [UInt8]) {
        output.append(contentsOf: UnsafeBufferPointer(start: base, count: count))
    }

    mutating func append(_ value: JSONValue) {
        switch value {
        case .string(let text): append(text: text)
        case .object(let object): append(object)
        case .array(let elements):
            append(UInt8(ascii: "["))
            var isFirst = true
            for element in elements {
                if !isFirst { append(UInt8(ascii: ",")) }
                isFirst = false
                append(element)
            }
            append(UInt8(ascii: "]"))
        case .null, .bool, .integer, .number:
            var scalar: [UInt8] = []
            value.encodeScalar(into: &scalar)
            append(bytes: scalar)
        }
    }

    mutating func append(_ object: JSONObject) {
        append(UInt8(ascii: "{"))
        var isFirst = true
        for entry in object.entries {
            if !isFirst { append(UInt8(ascii: ",")) }
            isFirst = false
            append(text: entry.key)
            append(UInt8(ascii: ":"))
            switch entry.value {
            case .bool(true): append(ascii: "true")
            case .bool(false): append(ascii: "false")
            case .integer(let number): append(decimal: number)
            default: append(entry.value)
            }
        }
        append(UInt8(ascii: "}"))
    }

    // MARK: Parts

    @inline(__always)
    private mutating func append(_ byte: UInt8) {
        if count == capacity { grow(1) }
        base[count] = byte
        count += 1
    }

    private mutating func append(ascii text: StaticString) {
        reserve(text.utf8CodeUnitCount)
        memcpy(base + count, text.utf8Start, text.utf8CodeUnitCount)
        count += text.utf8CodeUnitCount
    }

    private mutating func append(bytes: [UInt8]) {
        reserve(bytes.count)
        bytes.withUnsafeBufferPointer { bytes in
            if let start = bytes.baseAddress { memcpy(base + count, start, bytes.count) }
        }
        count += bytes.count
    }

    private mutating func append(decimal value: Int64) {
        reserve(20)
        if value < 0 { append(UInt8(ascii: "-")) }
        let start = count
        var rest = value.magnitude
        repeat {
            base[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            count += 1
            rest /= 10
        } while rest > 0
        // The digits stand backwards.
        var (low, high) = (start, count - 1)
        while low < high {
            (base[low], base[high]) = (base[high], base[low])
            low += 1
            high -= 1
        }
    }

    private mutating func append(text: String) {
        // Every string of Swift's own lies in one piece.
        let isWritten = text.utf8.withContiguousStorageIfAvailable { appendPlain($0) } ?? false
        if !isWritten { append(bytes: JSONText.encoded(text)) }
    }

    /// Writes a string that needs no escapes.
    /// - Returns: false when it may need some; nothing is written then.
    private mutating func appendPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let length = bytes.count
        reserve(length + 2)
        let place = base + count
        place[0] = UInt8(ascii: "\"")
        if let start = bytes.baseAddress {
            let raw = UnsafeRawPointer(start)
            var offset = 0
            while length - offset >= 8 {
                let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                if specialBytes(word) != 0 { return false }
                offset += 8
            }
            while offset < length {
                let byte = start[offset]
                if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                    return false
                }
                offset += 1
            }
            memcpy(place + 1, start, length)
        }
        place[length + 1] = UInt8(ascii: "\"")
        count += length + 2
        return true
    }

    @inline(__always)
    private mutating func reserve(_ length: Int) {
        if capacity - count < length { grow(length) }
    }

    @inline(never)
    private mutating func grow(_ length: Int) {
        capacity = max(2 * capacity, count + length)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.initialize(from: base, count: count)
        base.deallocate()
        base = larger
    }
}
