internal import Netlink

/// A rule at the end of a chain.
package struct NFRule: Hashable, Sendable {
    package var chain: String
    package var expressions: [NFExpression]
    /// Shown by `nft` as a comment, and how a rule is known again in a listing. At most 128 bytes.
    package var comment: String

    package init(in chain: String, comment: String = "", _ expressions: [NFExpression]) {
        self.chain = chain
        self.expressions = expressions
        self.comment = comment
    }
}

extension NFRule {
    /// The same for the same expressions, in every process: tells whether a rule that is listed by its comment is the
    /// one that is wanted. FNV-1a; nobody gains anything by a collision with their own rules.
    package static func digest(_ expressions: [NFExpression]) -> String {
        var writer = NetlinkWriter()
        for expression in expressions { expression.encode(into: &writer) }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in writer.bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return String(hash, radix: 16)
    }
}
