/// One of the sixteen registers of 32 bits that the expressions of a rule work on. Longer values take those that follow.
package struct NFRegister: Hashable, Sendable {
    /// 0 to 15.
    package let word: UInt32

    package init(_ word: UInt32) {
        precondition(word < 16, "there are sixteen registers")
        self.word = word
    }

    /// The register `words` further on.
    package static func + (register: NFRegister, words: UInt32) -> NFRegister { NFRegister(register.word + words) }

    /// As the kernel counts (NFT_REG32_00 is 8).
    var number: UInt32 { word + 8 }
}
