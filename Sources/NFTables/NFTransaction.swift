/// Changes to one table that take effect together or not at all.
package struct NFTransaction: Sendable {
    package enum Operation: Hashable, Sendable {
        /// Nothing happens where it exists.
        case addTable
        case deleteTable
        case addChain(NFChain)
        /// No rule may lead to it any longer; its own rules go with it.
        case deleteChain(String)
        /// Deletes the rules of a chain.
        case flushChain(String)
        case addRule(NFRule)
        case addSet(NFSet)
        /// No rule may use it any longer.
        case deleteSet(String)
        /// An element that is there already must be the same.
        case addElements(set: String, [NFElement])
        /// They must be there.
        case deleteElements(set: String, [NFElement])
        /// Deletes the elements of a set.
        case flushSet(String)
        case addFlowtable(NFFlowtable)
        case deleteFlowtable(String)
    }

    package var table: NFTable
    package var operations: [Operation]

    package init(_ table: NFTable, _ operations: [Operation] = []) {
        self.table = table
        self.operations = operations
    }

    package var isEmpty: Bool { operations.isEmpty }

    /// The same operations in transactions of at most so many elements each, in order.
    package func pieces(elements most: Int) -> [NFTransaction] {
        var pieces = [NFTransaction(table)]
        var room = most
        func put(_ operation: Operation) { pieces[pieces.count - 1].operations.append(operation) }
        for operation in operations {
            let (set, elements, isAdded): (String, [NFElement], Bool)
            switch operation {
            case .addElements(let name, let list): (set, elements, isAdded) = (name, list, true)
            case .deleteElements(let name, let list): (set, elements, isAdded) = (name, list, false)
            default:
                put(operation)
                continue
            }
            var rest = elements[...]
            while !rest.isEmpty {
                if room == 0 {
                    pieces.append(NFTransaction(table))
                    room = most
                }
                let part = Array(rest.prefix(room))
                put(isAdded ? .addElements(set: set, part) : .deleteElements(set: set, part))
                room -= part.count
                rest = rest.dropFirst(part.count)
            }
        }
        return pieces.filter { !$0.isEmpty }
    }

    package static func += (transaction: inout NFTransaction, operation: Operation) {
        transaction.operations.append(operation)
    }
}

extension NFTransaction.Operation {
    /// What it is about, in the words of `nft`.
    package var subject: String {
        switch self {
        case .addTable, .deleteTable: "the table"
        case .addChain(let chain): "chain \(chain.name)"
        case .deleteChain(let name), .flushChain(let name): "chain \(name)"
        case .addRule(let rule): "rule \(rule.comment) of chain \(rule.chain)"
        case .addSet(let set): "set \(set.name)"
        case .deleteSet(let name), .flushSet(let name): "set \(name)"
        case .addElements(let set, _), .deleteElements(let set, _): "elements of \(set)"
        case .addFlowtable(let flowtable): "flowtable \(flowtable.name)"
        case .deleteFlowtable(let name): "flowtable \(name)"
        }
    }
}
