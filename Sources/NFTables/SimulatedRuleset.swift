internal import Glibc
internal import Netlink

/// Tables in memory that refuse what the kernel refuses: what is named must be there, what is used cannot go, an
/// element has one meaning. For tests.
package final class SimulatedRuleset: NFRuleset {
    struct Table: Hashable {
        var chains: [String: NFChain] = [:]
        var rules: [String: [NFRule]] = [:]
        var sets: [String: NFSet] = [:]
        var elements: [String: [NFValue: NFElement]] = [:]
        var flowtables: [String: NFFlowtable] = [:]
    }

    private(set) var content: [NFTable: Table] = [:]
    private var count: UInt32 = 1
    /// The operations of all transactions so far, those that were refused left out.
    package private(set) var operations: [NFTransaction.Operation] = []
    /// Refuses operations at a test's wish, with the number that is returned.
    package var refusing: (NFTransaction.Operation) -> Int32? = { _ in nil }

    package init() {}

    package func commit(_ transaction: NFTransaction, expecting generation: UInt32?) throws(NFTablesError) {
        guard !transaction.isEmpty else { return }
        if let generation, generation != count { throw .generationChanged }
        var tables = content
        var refusals: [NFTablesError.Refusal] = []
        for (index, operation) in transaction.operations.enumerated() {
            do throws(Refused) {
                if let number = refusing(operation) { throw Refused(number) }
                try Self.carryOut(operation, transaction.table, &tables)
            } catch {
                refusals.append(
                    .init(
                        operation: index, element: error.element, subject: operation.subject,
                        cause: KernelRefusal(number: error.number)))
            }
        }
        guard refusals.isEmpty else { throw .refused(refusals) }
        content = tables
        operations += transaction.operations
        count += 1
    }

    package func generation() -> UInt32 { count }

    package func tables() -> [NFTable] { Array(content.keys) }

    package func chains(of table: NFTable) -> [NFChain] { content[table].map { Array($0.chains.values) } ?? [] }

    package func listing(of table: NFTable, leavingOut sets: Set<String>) -> NFListing? {
        guard let present = content[table] else { return nil }
        var listing = NFListing(generation: count)
        listing.chains = present.chains
        listing.rules = present.rules.mapValues { $0.map(\.comment) }.filter { !$0.value.isEmpty }
        listing.sets = present.sets.mapValues { NFListing.ListedSet($0) }
        listing.elements = present.elements.filter { !sets.contains($0.key) }.mapValues { Array($0.values) }
        listing.flowtables = present.flowtables
        return listing
    }

    fileprivate struct Refused: Error {
        var number: Int32
        var element: Int?

        init(_ number: Int32, element: Int? = nil) {
            self.number = number
            self.element = element
        }
    }

    private static func carryOut(
        _ operation: NFTransaction.Operation, _ name: NFTable, _ tables: inout [NFTable: Table]
    ) throws(Refused) {
        switch operation {
        case .addTable:
            if tables[name] == nil { tables[name] = Table() }
            return
        case .deleteTable:
            guard tables.removeValue(forKey: name) != nil else { throw Refused(ENOENT) }
            return
        default: break
        }
        guard var table = tables[name] else { throw Refused(ENOENT) }
        // One owner at a time: the change is in place.
        tables[name] = nil
        defer { tables[name] = table }
        try carryOut(operation, &table)
    }

    private static func carryOut(_ operation: NFTransaction.Operation, _ table: inout Table) throws(Refused) {
        switch operation {
        case .addTable, .deleteTable: break
        case .addChain(let chain):
            if let present = table.chains[chain.name] {
                guard present.hook == chain.hook || chain.hook == nil else { throw Refused(EEXIST) }
                return
            }
            table.chains[chain.name] = chain
            table.rules[chain.name] = []
        case .deleteChain(let name):
            guard table.chains[name] != nil else { throw Refused(ENOENT) }
            guard !table.leads(to: name) else { throw Refused(EBUSY) }
            table.chains[name] = nil
            table.rules[name] = nil
        case .flushChain(let name):
            guard table.chains[name] != nil else { throw Refused(ENOENT) }
            table.rules[name] = []
        case .addRule(let rule):
            guard table.chains[rule.chain] != nil else { throw Refused(ENOENT) }
            for expression in rule.expressions {
                if let set = expression.set, table.sets[set] == nil { throw Refused(ENOENT) }
                if case .verdict(let verdict) = expression { try table.check(verdict) }
                if case .offload(let flowtable) = expression, table.flowtables[flowtable] == nil {
                    throw Refused(ENOENT)
                }
            }
            table.rules[rule.chain, default: []].append(rule)
        case .addSet(let set):
            if let present = table.sets[set.name] {
                guard present == set else { throw Refused(EEXIST) }
                return
            }
            table.sets[set.name] = set
            table.elements[set.name] = [:]
        case .deleteSet(let name):
            guard table.sets[name] != nil else { throw Refused(ENOENT) }
            guard !table.uses(name) else { throw Refused(EBUSY) }
            table.sets[name] = nil
            table.elements[name] = nil
        case .addElements(let name, let elements):
            guard let set = table.sets[name] else { throw Refused(ENOENT) }
            for (index, element) in elements.enumerated() {
                do throws(Refused) {
                    try table.check(element, in: set)
                    if let present = table.elements[name]?[element.key], present != element { throw Refused(EEXIST) }
                } catch {
                    throw Refused(error.number, element: index)
                }
                table.elements[name, default: [:]][element.key] = element
            }
        case .deleteElements(let name, let elements):
            guard table.sets[name] != nil else { throw Refused(ENOENT) }
            for (index, element) in elements.enumerated() {
                guard table.elements[name]?.removeValue(forKey: element.key) != nil else {
                    throw Refused(ENOENT, element: index)
                }
            }
        case .flushSet(let name):
            guard table.sets[name] != nil else { throw Refused(ENOENT) }
            table.elements[name] = [:]
        case .addFlowtable(let flowtable):
            guard var present = table.flowtables[flowtable.name] else {
                table.flowtables[flowtable.name] = flowtable
                return
            }
            // What is there already gets further devices.
            guard present.priority == flowtable.priority else { throw Refused(EOPNOTSUPP) }
            present.devices += flowtable.devices.filter { !present.devices.contains($0) }
            table.flowtables[flowtable.name] = present
        case .deleteFlowtable(let name):
            guard !table.rules.values.joined().contains(where: { $0.expressions.contains(.offload(name)) }) else {
                throw Refused(EBUSY)
            }
            guard table.flowtables.removeValue(forKey: name) != nil else { throw Refused(ENOENT) }
        }
    }
}

extension SimulatedRuleset.Table {
    /// Whether a rule or an element leads to a chain.
    fileprivate func leads(to chain: String) -> Bool {
        rules.values.joined().contains { rule in
            rule.expressions.contains { expression in
                if case .verdict(let verdict) = expression { return verdict.chain == chain }
                return false
            }
        }
            || elements.values.contains { elements in
                elements.values.contains { element in
                    if case .verdict(let verdict) = element.data { return verdict.chain == chain }
                    return false
                }
            }
    }

    /// Whether a rule uses a set.
    fileprivate func uses(_ set: String) -> Bool {
        rules.values.joined().contains { $0.expressions.contains { $0.set == set } }
    }

    fileprivate func check(_ verdict: NFVerdict) throws(SimulatedRuleset.Refused) {
        guard let chain = verdict.chain else { return }
        guard let target = chains[chain] else { throw .init(ENOENT) }
        // Packets enter a chain with a hook by themselves only.
        guard target.hook == nil else { throw .init(EOPNOTSUPP) }
    }

    fileprivate func check(_ element: NFElement, in set: NFSet) throws(SimulatedRuleset.Refused) {
        guard element.key.count == Int(set.key.length) else { throw .init(EINVAL) }
        switch (set.content, element.data) {
        case (.keys, .none): break
        case (.map(let type), .value(let value)):
            guard value.count == Int(type.length) else { throw .init(EINVAL) }
        case (.verdicts, .verdict(let verdict)): try check(verdict)
        // The end of a range leads nowhere.
        case (_, .none) where set.isInterval && element.isIntervalEnd: break
        default: throw .init(EINVAL)
        }
    }
}

extension NFExpression {
    /// The set that it uses.
    var set: String? {
        switch self {
        case .contained(_, let set), .notContained(_, let set), .lookup(_, let set, _), .dispatch(_, let set),
            .change(let set, _, _, _, _):
            set
        default: nil
        }
    }
}
