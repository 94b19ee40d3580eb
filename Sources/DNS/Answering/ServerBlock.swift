/// What is done about one part of the name space before zones, cache and other servers come into it: a server block of a
/// Corefile. A question belongs to the block with the longest zone that it is in.
package struct ServerBlock: OfZone, Sendable {
    package var zone: DomainName
    /// The first one that has a rule for a question decides whether it is answered.
    package var access: [AccessList] = []
    package var rewrites: [QuestionRewrite] = []
    /// The first one that covers a name and has it, or does not let it fall through, answers.
    package var hosts: [HostTable] = []
    package var log: QueryLogFilter?
    /// The server's own zones are answered from; else their names are like any others here.
    package var answersFromZones = true

    package init(zone: DomainName = .root) { self.zone = zone }

    /// Nothing is done.
    package var isEmpty: Bool {
        access.isEmpty && rewrites.isEmpty && hosts.isEmpty && log == nil && answersFromZones
    }
}

/// Which queries are told about (CoreDNS' plugin `log`).
package struct QueryLogFilter: Hashable, Sendable {
    package enum Class: String, Hashable, Sendable, CaseIterable {
        case success, denial, error
    }

    /// Names within these; the root for all.
    package var zones: [DomainName]
    package var classes: Set<Class>

    package init(zones: [DomainName] = [.root], classes: Set<Class> = Set(Class.allCases)) {
        self.zones = zones
        self.classes = classes
    }

    func covers(_ name: WireName) -> Bool { zones.contains { name.isWithin($0) } }

    /// Whether an answer with this header is told about.
    func takes(_ header: MessageHeader) -> Bool {
        let kind: Class =
            switch ResponseCode(rawValue: header.code) {
            case .noError: header.answerCount > 0 ? .success : .denial
            case .nameError: .denial
            default: .error
            }
        return classes.contains(kind)
    }
}
