/// A rule that asks for something else than the client did (CoreDNS' plugin `rewrite`). The answer speaks of the name that
/// was asked for all the same, since a client takes no other. Pure.
package struct QuestionRewrite: Equatable, Sendable {
    package enum Match: Equatable, Sendable {
        case exact(DomainName, to: DomainName)
        /// Texts of the whole name in lower case, with its last dot.
        case prefix(String, to: String)
        case suffix(String, to: String)
        case substring(String, to: String)
        case pattern(NamePattern, to: String)
        case type(RecordType, to: RecordType)
    }

    /// What is changed in an answer besides.
    package enum AnswerRule: Equatable, Sendable {
        /// The names that records are of, where they differ from the name that was asked for.
        case owner(NamePattern, to: String)
        /// The names that records lead to.
        case target(NamePattern, to: String)
    }

    package var match: Match
    /// The rules behind it are tried as well.
    package var continues: Bool
    package var answerRules: [AnswerRule]

    package init(_ match: Match, continues: Bool = false, answerRules: [AnswerRule] = []) {
        self.match = match
        self.continues = continues
        self.answerRules = answerRules
    }

    /// What is asked instead; nil where the rule does not concern the question, and where what it makes of a name is none.
    ///
    /// - Parameter text: the name as text, made once for all rules.
    func apply(to name: DomainName, _ text: String, _ type: RecordType) -> (DomainName, RecordType)? {
        switch match {
        case .exact(let from, let to): name == from ? (to, type) : nil
        case .type(let from, let to): type == from ? (name, to) : nil
        case .prefix(let from, let to):
            text.hasPrefix(from) ? Self.named(to + text.dropFirst(from.count), type) : nil
        case .suffix(let from, let to):
            text.hasSuffix(from) ? Self.named(text.dropLast(from.count) + to, type) : nil
        case .substring(let from, let to):
            text.contains(from) ? Self.named(text.replacingAll(from, by: to), type) : nil
        case .pattern(let pattern, let to): pattern.replace(text, by: to).flatMap { Self.named($0, type) }
        }
    }

    private static func named(_ text: some StringProtocol, _ type: RecordType) -> (DomainName, RecordType)? {
        (try? DomainName(text)).map { ($0, type) }
    }
}

extension QuestionRewrite.AnswerRule {
    /// The name that stands in the answer instead.
    func apply(to name: DomainName, isOwner: Bool) -> DomainName? {
        switch self {
        case .owner(let pattern, let to) where isOwner, .target(let pattern, let to) where !isOwner:
            pattern.replace(name.description, by: to).flatMap { try? DomainName($0) }
        default: nil
        }
    }
}

extension [QuestionRewrite] {
    /// What is asked after all of the rules that apply, and what they say about the answer; nil where none does.
    func apply(
        to name: DomainName, _ type: RecordType
    ) -> (name: DomainName, type: RecordType, answerRules: [QuestionRewrite.AnswerRule])? {
        var result: (name: DomainName, type: RecordType, answerRules: [QuestionRewrite.AnswerRule])?
        var text = name.description
        for rule in self {
            guard let (newName, newType) = rule.apply(to: result?.name ?? name, text, result?.type ?? type) else {
                continue
            }
            if newName != result?.name ?? name { text = newName.description }
            result = (newName, newType, (result?.answerRules ?? []) + rule.answerRules)
            if !rule.continues { break }
        }
        return result
    }
}

extension String {
    fileprivate func contains(_ part: String) -> Bool { part.isEmpty || firstRange(of: part, from: startIndex) != nil }

    private func firstRange(of part: String, from start: Index) -> Range<Index>? {
        var index = start
        while index < endIndex {
            if self[index...].hasPrefix(part) { return index..<self.index(index, offsetBy: part.count) }
            index = self.index(after: index)
        }
        return nil
    }

    fileprivate func replacingAll(_ part: String, by other: String) -> String {
        guard !part.isEmpty else { return self }
        var result = ""
        var index = startIndex
        while let range = firstRange(of: part, from: index) {
            result += self[index..<range.lowerBound] + other
            index = range.upperBound
        }
        return result + self[index...]
    }
}
