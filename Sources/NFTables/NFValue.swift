/// The bytes of a key or of mapped data, at most 48: two IPv6 addresses, a protocol and two ports fit. Parts of a concatenation
/// are padded to four bytes each.
///
/// Inline rather than an array: a large rule set has hundreds of thousands.
package struct NFValue: Hashable, Sendable, CustomStringConvertible {
    package static let capacity = 48

    private var a: UInt64 = 0
    private var b: UInt64 = 0
    private var c: UInt64 = 0
    private var d: UInt64 = 0
    private var e: UInt64 = 0
    private var f: UInt64 = 0
    private var length: UInt8 = 0

    package init() {}

    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count <= Self.capacity else { return nil }
        for byte in bytes { push(byte) }
    }

    package var count: Int { Int(length) }

    package var bytes: [UInt8] { withBytes { Array($0) } }

    /// The bytes are valid during the call.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: self) { body(UnsafeRawBufferPointer(rebasing: $0[..<Int(length)])) }
    }

    /// Appends an integer in network order and pads it to four bytes.
    package func appending(_ value: some FixedWidthInteger) -> NFValue {
        var result = self
        withUnsafeBytes(of: value.bigEndian) { for byte in $0 { result.push(byte) } }
        result.pad()
        return result
    }

    /// Appends bytes and pads them to four.
    package func appending(_ bytes: some Collection<UInt8>) -> NFValue {
        var result = self
        for byte in bytes { result.push(byte) }
        result.pad()
        return result
    }

    /// Appends an integer in this machine's order: what the kernel itself computes.
    package func appending(host value: UInt32) -> NFValue { appending(UInt32(bigEndian: value)) }

    /// An integer in network order; 0 beyond the end.
    package func integer<Value: FixedWidthInteger>(_: Value.Type, at offset: Int) -> Value {
        withBytes { bytes in
            guard offset + MemoryLayout<Value>.size <= bytes.count else { return 0 }
            return Value(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
        }
    }

    /// An integer in this machine's order; 0 beyond the end.
    package func host(at offset: Int) -> UInt32 { integer(UInt32.self, at: offset).bigEndian }

    private mutating func push(_ byte: UInt8) {
        precondition(count < Self.capacity, "a value of more than \(Self.capacity) bytes")
        withUnsafeMutableBytes(of: &self) { $0[Int($0[Self.capacity])] = byte }
        length += 1
    }

    private mutating func pad() {
        while length & 3 != 0 { push(0) }
    }

    package var description: String {
        withBytes { $0.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined() }
    }
}
