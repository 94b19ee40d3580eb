/// The value of `:status` (RFC 9113 section 8.3.2).
enum HTTP2Status {
    /// The number of three digits that the value is, 100 to 999; 0 for anything else.
    static func number(_ value: some Collection<UInt8>) -> Int {
        guard value.count == 3, value.allSatisfy({ (0x30...0x39).contains($0) }) else { return 0 }
        let number = value.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        return number >= 100 ? number : 0
    }
}
