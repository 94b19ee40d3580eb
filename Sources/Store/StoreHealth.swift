/// What is wrong with a store, in sentences for an operator. Everything it says was true when it was asked for.
package struct StoreHealth: Sendable, Equatable {
    /// What can fail. All but the first may come right by itself: it is tried again every second and with every write.
    package enum Trouble: Int, Sendable, Hashable, CaseIterable {
        /// SQLite found its file damaged. Stays until the store is opened anew.
        case file
        /// There is no room: only writes that make nothing larger are taken, out of the reserve.
        case space
        /// The last commit failed in another way.
        case writing
        /// The write-ahead log could not be carried into the file.
        case checkpoint
        /// What compaction made useless could not be deleted.
        case cleaning
        /// How far writes were acknowledged could not be noted.
        case mark
    }

    /// A current value that is not what was written.
    package struct DamagedValue: Sendable, Hashable {
        package let key: String
        package let revision: Revision
    }

    package internal(set) var troubles: [Trouble: String] = [:]
    /// By key, at most `maximumNamed`. Each leaves with the next write or delete of its key.
    package internal(set) var damaged: [DamagedValue] = []
    package internal(set) var damagedCount = 0

    package static let maximumNamed = 100

    package init() {}

    package var isGood: Bool { troubles.isEmpty && damagedCount == 0 }

    /// One line for each thing that is wrong, the gravest first.
    package var problems: [String] {
        var lines = Trouble.allCases.compactMap { troubles[$0] }
        lines += damaged.map { "the value of \($0.key), written at revision \($0.revision), is damaged" }
        if damagedCount > damaged.count { lines.append("\(damagedCount - damaged.count) more values are damaged") }
        return lines
    }
}
