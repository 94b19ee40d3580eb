/// How a server answers, apart from what it knows.
package struct AnswerPolicy: Sendable {
    package var access = ClientAccess()
    /// Answers a second for each network that is let in by the configuration; 0 for no limit.
    package var rateLimit: UInt32 = 100
    package var rewrites: [NameRewrite] = []
    /// Where other servers are asked; empty for nowhere.
    package var forwardedZones: [ForwardedZone] = []
    package var cache = CacheLimits()
    /// Whether answers of upstream servers are kept at all.
    package var isCaching = true
    /// Records of one name begin with another one each time.
    package var rotates = true
    /// The most bytes of an answer over UDP, however many the asker takes: what passes everywhere in one piece (DNS flag
    /// day 2020), so that nobody can slip a piece of his own in.
    package var payloadSize = 1232

    package init() {}

    func isForwarded(_ name: WireName) -> Bool {
        forwardedZones.contains { $0.covers(name) }
    }
}
