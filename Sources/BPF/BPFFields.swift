/// The fields that a call is given, or that it gives back (`union bpf_attr` and `struct bpf_…_info` of `linux/bpf.h`): numbers
/// at places. What is not put is 0, which means the default everywhere.
struct BPFFields {
    /// As long as the longest that is used here; the kernel takes any length whose rest is 0.
    private var bytes = [UInt8](repeating: 0, count: 128)

    mutating func put<Number: FixedWidthInteger>(_ number: Number, at place: Int) {
        withUnsafeBytes(of: number) { for (index, byte) in $0.enumerated() { bytes[place + index] = byte } }
    }

    mutating func put(_ pointer: UnsafeRawPointer?, at place: Int) {
        put(UInt64(UInt(bitPattern: pointer)), at: place)
    }

    /// At most 15 characters, of letters, digits, `_` and `.`: others do not pass.
    mutating func put(name: String, at place: Int) {
        for (index, byte) in name.utf8.prefix(15).enumerated() {
            bytes[place + index] = byte == UInt8(ascii: "-") ? UInt8(ascii: "_") : byte
        }
    }

    func number(at place: Int) -> UInt32 {
        bytes[place..<place + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }

    func name(at place: Int) -> String {
        String(decoding: bytes[place..<place + 16].prefix { $0 != 0 }, as: UTF8.self)
    }

    mutating func withBytes<Result>(_ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeMutableBytes(body)
    }
}
