import DNS
import NetworkTypes

/// What keeps names from somebody: read strictly, and closed where it is not understood.
extension NamesPlan {
    /// Plugins that refuse questions.
    private static let guards: Set<String> = ["acl", "firewall", "opa", "tsig"]
    /// Options that let less through than there would be without them.
    static let guardingOptions: Set<String> = [
        "except", "labels", "namespace_labels", "namespaces", "tls", "tls_servername",
    ]

    static func isGuard(_ directive: Corefile.Directive) -> Bool {
        // Keys alone refuse nothing.
        directive.name == "tsig" ? directive.block.contains { $0.name == "require" } : guards.contains(directive.name)
    }

    /// Whether a text that is no Corefile seems to have guards.
    static func mentionsGuard(_ text: String) -> Bool {
        text.split(whereSeparator: \.isNewline).contains { line in
            let first = line.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
            return guards.contains(first) || first == "view" || guardingOptions.contains(first)
        }
    }

    /// Nobody is answered.
    mutating func closeEverything() {
        var block = ServerBlock()
        block.access = [.closing([.root])]
        policy.blocks = [block]
        policy.forwardedZones = []
    }

    /// A directive without the lines that hold a variable of the environment, which each node would read as something else;
    /// nil where its own line holds one. Options that guard something are left for their plugin to see.
    mutating func readable(_ directive: Corefile.Directive) -> Corefile.Directive? {
        guard !directive.hasVariable || Self.guardingOptions.contains(directive.name) else {
            pass(directive.place, "\(directive.name): variables of the environment are not read")
            return nil
        }
        var result = directive
        result.block = directive.block.compactMap { readable($0) }
        return result
    }

    mutating func readGuard(_ directive: Corefile.Directive, _ block: inout ServerBlock) {
        guard directive.name == "acl" else {
            close(directive.place, "there is no plugin \(directive.name) here: names in \(block.zone) are refused")
            block.access.append(.closing([block.zone]))
            return
        }
        var zones: [DomainName] = []
        for text in directive.arguments {
            guard !text.contains("{"), let zone = CIDR(text).flatMap(Self.reverseZone) ?? (try? DomainName(text)) else {
                close(directive.place, "acl: \(text) is no zone: the rules hold for all of \(block.zone)")
                zones = [block.zone]
                break
            }
            zones.append(zone)
        }
        enable("acl", in: block.zone)
        block.access.append(
            AccessList(zones: zones.isEmpty ? [block.zone] : zones, rules: directive.block.compactMap { rule($0) }))
    }

    /// `ACTION [type TYPE...] [net NETWORK...]`. Where not all of it is understood, one that allows allows nothing, and any
    /// other one is for everybody.
    private mutating func rule(_ line: Corefile.Directive) -> AccessList.Rule? {
        guard let action = AccessList.Action(rawValue: line.name.lowercased()) else {
            close(line.place, "acl: \(line.name) is none of allow, block, filter and drop: all is blocked")
            return AccessList.Rule(.block)
        }
        guard let rule = rule(action, line.arguments) else {
            let words = line.words.joined(separator: " ")
            guard action != .allow else {
                close(line.place, "acl: \(words) is not understood: it allows nothing")
                return nil
            }
            close(line.place, "acl: \(words) is not understood: it holds for everybody and every type")
            return AccessList.Rule(action)
        }
        return rule
    }

    private func rule(_ action: AccessList.Action, _ words: ArraySlice<String>) -> AccessList.Rule? {
        var rule = AccessList.Rule(action)
        var rest = words
        while let section = rest.popFirst()?.lowercased() {
            let values = rest.prefix { !["type", "net"].contains($0.lowercased()) }
            rest = rest.dropFirst(values.count)
            guard !values.isEmpty else { return nil }
            // The star is for all of them, whatever stands beside it.
            let isEverything = values.contains("*")
            switch section {
            case "type" where isEverything: continue
            case "type":
                let types = values.map { RecordType(mnemonic: $0) }
                guard !types.contains(nil) else { return nil }
                rule.types = (rule.types ?? []).union(types.compactMap(\.self))
            case "net" where isEverything: continue
            case "net":
                let networks = values.map { CIDR($0) ?? IPAddress($0).flatMap { Self.network(of: $0) } }
                guard !networks.contains(nil) else { return nil }
                rule.networks = (rule.networks ?? []) + networks.compactMap { $0?.masked }
            default: return nil
            }
        }
        return rule
    }

    private static func network(of ip: IPAddress) -> CIDR? {
        CIDR(address: ip, prefixLength: ip.family.bitWidth)
    }

    /// A block for some askers alone is nobody's here: another one of the zone answers everybody, and without one nobody is
    /// answered.
    mutating func closeViewedZones() {
        for (place, zone) in viewedZones {
            guard !policy.blocks.contains(where: { $0.zone == zone && !$0.access.contains(.closing([zone])) }) else {
                pass(
                    place, "view: who asks makes no difference here: the block of \(zone) without it answers everybody")
                continue
            }
            close(place, "view: who asks makes no difference here: names in \(zone) are refused")
            guard !policy.blocks.contains(where: { $0.zone == zone }) else { continue }
            var block = ServerBlock(zone: zone)
            block.access = [.closing([zone])]
            policy.blocks.append(block)
        }
    }
}
