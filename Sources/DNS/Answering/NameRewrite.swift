/// Another name or type is looked for than was asked; the answer speaks of what was asked. As CoreDNS' `rewrite`.
package struct NameRewrite: Hashable, Sendable {
    package enum Match: Hashable, Sendable {
        /// The whole name.
        case exact(DomainName, DomainName)
        /// The last labels.
        case suffix(DomainName, DomainName)
        /// The text before the name's end begins so.
        case prefix(String, String)
        /// The text is somewhere in the name; each place is replaced.
        case substring(String, String)
        case type(RecordType, RecordType)
    }

    package var match: Match
    /// Whether the rules behind this one are tried too.
    package var goesOn: Bool

    package init(_ match: Match, goesOn: Bool = false) {
        self.match = match
        self.goesOn = goesOn
    }

    /// What is looked for instead; nil where the rule says nothing, or would make a name that is none.
    func applied(to name: DomainName, _ type: RecordType) -> (DomainName, RecordType)? {
        switch match {
        case .exact(let from, let to): return name == from ? (to, type) : nil
        case .suffix(let from, let to):
            guard name.isWithin(from) else { return nil }
            let kept = name.wire.dropLast(from.wire.count)
            let wire = Array(kept) + to.wire
            return wire.count <= DomainName.maximumLength ? (DomainName(trusted: wire), type) : nil
        case .prefix(let from, let to):
            let text = name.description
            guard text.hasPrefix(from) else { return nil }
            return (try? DomainName(to + text.dropFirst(from.count))).map { ($0, type) }
        case .substring(let from, let to):
            let text = name.description
            guard !from.isEmpty, text.contains(from) else { return nil }
            return (try? DomainName(text.replacing(from, with: to))).map { ($0, type) }
        case .type(let from, let to): return type == from ? (name, to) : nil
        }
    }
}

extension [NameRewrite] {
    /// Nil when no rule applies.
    func applied(to name: DomainName, _ type: RecordType) -> (DomainName, RecordType)? {
        var result: (DomainName, RecordType)?
        for rule in self {
            let (name, type) = result ?? (name, type)
            guard let changed = rule.applied(to: name, type) else { continue }
            result = changed
            if !rule.goesOn { break }
        }
        return result
    }
}
