/// How a server answers, apart from what it knows.
package struct AnswerPolicy: Sendable {
    package var access = ClientAccess()
    /// Answers a second for each network that is let in by the configuration; 0 for no limit.
    package var rateLimit: UInt32 = 100
    /// Answers a second for each private network; 0 for no limit. A network's resolver asks thousands of questions a second,
    /// and a node's Pods are one network.
    package var nearRateLimit: UInt32 = 10_000
    /// Where other servers are asked; empty for nowhere.
    package var forwardedZones: [ForwardedZone] = [] {
        didSet { hasStubZones = forwardedZones.contains { $0.name != .root } }
    }
    /// What is done before that about parts of the name space; empty for nothing.
    package var blocks: [ServerBlock] = []
    /// The server's own zones are answered from for questions that are in no block.
    package var answersFromZones = true
    /// Each answer begins with another one of its records.
    package var rotates = true
    /// Some zone of others may lie inside of one that this server speaks for.
    private(set) var hasStubZones = false
    package var cache = CacheLimits()
    /// The most bytes of an answer over UDP, however many the asker takes: what passes everywhere in one piece (DNS flag
    /// day 2020), so that nobody can slip a piece of his own in.
    package var payloadSize = 1232

    package init() {}

    /// What one of so many loops may have, so that all of them together have what this says: each counts for itself.
    func share(of loops: Int) -> AnswerPolicy {
        var share = self
        let loops = max(1, loops)
        // 0 would mean no limit.
        if rateLimit > 0 { share.rateLimit = max(1, rateLimit / UInt32(loops)) }
        if nearRateLimit > 0 { share.nearRateLimit = max(1, nearRateLimit / UInt32(loops)) }
        return share
    }

    /// Whether anything is answered from the server's own zones.
    package var answersFromAnyZone: Bool { answersFromZones || blocks.contains(where: \.answersFromZones) }

    /// - Parameter block: the place of the question's block.
    func answersFromZones(inBlock block: Int?) -> Bool { block.map { blocks[$0].answersFromZones } ?? answersFromZones }

    func isForwarded(_ name: WireName) -> Bool {
        forwardedZones.index(for: name).map { forwardedZones[$0].asks(about: name) } ?? false
    }
}
