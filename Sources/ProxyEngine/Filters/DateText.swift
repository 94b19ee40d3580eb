internal import Transport

/// The value of `Date` (RFC 9110 section 6.6.1) for one second, made when that second is first asked for.
struct DateText: BitwiseCopyable {
    static var count: Int { 29 }

    private var second = Int.min
    private var text = InlineArray<29, UInt8>(repeating: 0x20)

    /// - Parameter unixTime: seconds since 1970.
    @inline(__always)
    mutating func update(to unixTime: Int) {
        if unixTime != second { make(unixTime) }
    }

    private mutating func make(_ unixTime: Int) {
        second = unixTime
        for (index, byte) in HTTPDate.text(unixTime: unixTime).utf8.prefix(Self.count).enumerated() {
            text[index] = byte
        }
    }

    /// Writes `Date: …` and the line's end.
    func write(to out: inout ByteCursor) {
        out.put("Date: ")
        for index in 0..<Self.count { out.put(text[index]) }
        out.put("\r\n")
    }
}
