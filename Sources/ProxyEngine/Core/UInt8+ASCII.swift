extension UInt8 {
    /// A capital letter of ASCII as a small one; others as they are.
    @inline(__always)
    var asciiLowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}
