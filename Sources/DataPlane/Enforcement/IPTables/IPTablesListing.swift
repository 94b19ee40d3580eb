/// What is kept of a listing by `iptables-save`: which of our chains there are, how many rules each has, and how traffic
/// gets into them. The text itself, which may be large, goes by.
struct IPTablesListing: Hashable {
    /// Our chains by table, each with its number of rules.
    private(set) var chains: [IPTablesTable: [String: Int]] = [:]
    /// The rules in other chains that lead into ours, as the listing has them: `-A INPUT … -j KUBE-NODEPORTS`.
    private(set) var entrances: [IPTablesTable: [String]] = [:]

    private var table: IPTablesTable?
    private var unfinished: [UInt8] = []

    /// Takes in the next bytes.
    mutating func take(_ bytes: UnsafeRawBufferPointer) {
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if line.offset > 0 {
                takeLine(String(decoding: unfinished, as: UTF8.self)[...])
                unfinished.removeAll(keepingCapacity: true)
            }
            // No rule is as long as this: a line that does not end is not a listing's.
            if unfinished.count < 64 << 10 { unfinished += line.element }
        }
    }

    mutating func takeLine(_ line: Substring) {
        switch line.first {
        case "*": table = IPTablesTable(rawValue: String(line.dropFirst()))
        case ":":
            let name = line.dropFirst().prefix { $0 != " " }
            if let table, Self.isOurs(name, in: table) { chains[table, default: [:]][String(name), default: 0] += 0 }
        case "-":
            guard let table, line.hasPrefix("-A ") else { return }
            let name = line.dropFirst(3).prefix { $0 != " " }
            if Self.isOurs(name, in: table) {
                chains[table, default: [:]][String(name), default: 0] += 1
            } else if let target = Self.target(of: line), Self.isOurs(target, in: table) {
                entrances[table, default: []].append(String(line))
            }
        default: break
        }
    }

    /// Whether there is a rule in `chain` that leads into `target`.
    func hasEntrance(_ entrance: IPTablesFrame.Entrance) -> Bool {
        guard let target = Self.target(of: entrance.rule[...]) else { return false }
        return entrances[entrance.table]?.contains {
            $0.hasPrefix("-A \(entrance.chain) ") && Self.target(of: $0[...]) == target
        } ?? false
    }

    private static func isOurs(_ name: some StringProtocol, in table: IPTablesTable) -> Bool {
        IPTablesFrame.chains[table]?.contains { $0 == name } ?? false
            || (table == .nat && IPTablesChainName.isOfService(name))
    }

    private static func target(of rule: Substring) -> Substring? {
        let words = rule.split(separator: " ")
        guard let option = words.lastIndex(of: "-j"), option + 1 < words.count else { return nil }
        return words[option + 1]
    }
}
