import DNS
import NetworkTypes

/// The plugins `hosts` and `rewrite`.
extension NamesPlan {
    /// The file in which clusters list their Nodes: of the ConfigMap's key where there is one, else of the Nodes themselves.
    static let nodeHosts = "/etc/coredns/NodeHosts"

    mutating func readHosts(_ directive: Corefile.Directive, _ block: inout ServerBlock) {
        var entries: [HostTable.Entry] = []
        var names = directive.arguments
        if let file = names.first, file.hasPrefix("/") {
            names = names.dropFirst()
            if let text = circumstances.files[file] {
                entries += listed(text, file)
            } else if file == Self.nodeHosts {
                entries += circumstances.nodes
            } else {
                pass(directive.place, "hosts: there is no key for \(file) in the ConfigMap, and no other file is read")
            }
        }
        var zones: [DomainName] = []
        for text in names {
            guard let zone = try? DomainName(text) else {
                pass(directive.place, "hosts: \(text) is no zone")
                continue
            }
            zones.append(zone)
        }
        // None of those that are wanted is not the same as all.
        guard names.isEmpty || !zones.isEmpty else { return }
        var (ttl, fallsThrough, reverses) = (UInt32(3600), false, true)
        for option in directive.block {
            switch option.name {
            case "ttl":
                guard let number = option.arguments.first.flatMap({ UInt32($0) }), (1...65_535).contains(number) else {
                    pass(option.place, "hosts: ttl is from 1 to 65535 seconds")
                    continue
                }
                ttl = number
            case "fallthrough":
                fallsThrough = true
                if !option.arguments.isEmpty { pass(option.place, "hosts: every name falls through") }
            case "no_reverse": reverses = false
            // The ConfigMap is followed.
            case "reload": break
            default:
                if let entry = entry(option.words, option.place) { entries.append(entry) }
            }
        }
        block.hosts.append(
            HostTable(
                entries, zones: zones.isEmpty ? [block.zone] : zones, ttl: ttl, fallsThrough: fallsThrough,
                reverses: reverses))
    }

    /// The lines of a file as hosts(5) has it.
    private mutating func listed(_ text: String, _ file: String) -> [HostTable.Entry] {
        var entries: [HostTable.Entry] = []
        let lines = CorefileWords.withoutByteOrderMark(text).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).map(String.init)
            guard !words.isEmpty else { continue }
            if let entry = entry(words, Corefile.Place(line: index + 1, file: file)) { entries.append(entry) }
        }
        return entries
    }

    /// An address and those of the words behind it that are names.
    private mutating func entry(_ words: [String], _ place: Corefile.Place) -> HostTable.Entry? {
        var names: [DomainName] = []
        for word in words.dropFirst() {
            if let name = try? DomainName(word) {
                names.append(name)
            } else {
                pass(place, "hosts: \(word) is no name")
            }
        }
        guard let ip = IPAddress(words[0]), words.count >= 2 else {
            pass(place, "hosts: \(words.joined(separator: " ")) is no address with names")
            return nil
        }
        return names.isEmpty ? nil : HostTable.Entry(ip: ip, names: names)
    }

    mutating func readRewrite(_ directive: Corefile.Directive, _ block: inout ServerBlock) {
        var words = Array(directive.arguments)
        var continues = false
        if let first = words.first, first == "stop" || first == "continue" {
            continues = first == "continue"
            words.removeFirst()
        }
        var rules: [QuestionRewrite.AnswerRule] = []
        if words.isEmpty {
            // The rule and what it says of answers stand in a block.
            for line in directive.block {
                if line.name == "answer" {
                    guard readAnswerRule(Array(line.words.dropFirst()), line.place, &rules) else { return }
                } else if words.isEmpty {
                    words = line.words
                } else {
                    return pass(line.place, "rewrite: a block has one rule")
                }
            }
        } else if !directive.block.isEmpty {
            return pass(directive.place, "rewrite: a rule stands before its block or in it")
        }
        if let place = words.firstIndex(of: "answer") {
            guard readAnswerRule(Array(words[(place + 1)...]), directive.place, &rules) else { return }
            words.removeSubrange(place...)
        }
        guard let match = match(words, directive.place) else { return }
        block.rewrites.append(QuestionRewrite(match, continues: continues, answerRules: rules))
    }

    /// `auto`, or `name FROM TO` and `value FROM TO`, any number of them.
    private mutating func readAnswerRule(
        _ words: [String], _ place: Corefile.Place, _ rules: inout [QuestionRewrite.AnswerRule]
    ) -> Bool {
        // The answer speaks of the name that was asked for always.
        if words == ["auto"] { return true }
        var rest = words[...]
        while !rest.isEmpty {
            if rest.first == "answer" { rest = rest.dropFirst() }
            let rule = Array(rest.prefix(3))
            rest = rest.dropFirst(3)
            guard rule.count == 3, rule[0] == "name" || rule[0] == "value" else {
                pass(
                    place, "rewrite: after answer comes auto, or name or value with an expression and what it becomes")
                return false
            }
            guard let pattern = pattern(rule[1], place) else { return false }
            rules.append(rule[0] == "name" ? .owner(pattern, to: rule[2]) : .target(pattern, to: rule[2]))
        }
        return true
    }

    private mutating func pattern(_ text: String, _ place: Corefile.Place) -> NamePattern? {
        do {
            return try NamePattern(text)
        } catch {
            pass(place, "rewrite: \(error.message)")
            return nil
        }
    }

    private mutating func match(_ words: [String], _ place: Corefile.Place) -> QuestionRewrite.Match? {
        switch words.first {
        case "name":
            let kind = words.count == 3 ? "exact" : words.count == 4 ? words[1] : ""
            guard words.count == 3 || words.count == 4 else { break }
            let (from, to) = (words[words.count - 2].lowercased(), words[words.count - 1].lowercased())
            switch kind {
            case "exact":
                guard let from = try? DomainName(from), let to = try? DomainName(to) else { break }
                return .exact(from, to: to)
            case "prefix": return .prefix(from, to: to)
            case "suffix": return .suffix(Self.ended(from), to: Self.ended(to))
            case "substring": return .substring(from, to: to)
            case "regex": return pattern(words[words.count - 2], place).map { .pattern($0, to: to) }
            default: break
            }
        case "type" where words.count == 3:
            guard let from = RecordType(mnemonic: words[1]), let to = RecordType(mnemonic: words[2]) else { break }
            return .type(from, to: to)
        case "class", "edns0", "ttl", "rcode", "cname":
            pass(place, "rewrite: \(words[0]) is not rewritten here")
            return nil
        default: break
        }
        pass(place, "rewrite: \(words.joined(separator: " ")) is no rule")
        return nil
    }

    /// With the dot that every name ends with.
    private static func ended(_ text: String) -> String { text.hasSuffix(".") ? text : text + "." }
}
