import NFTables

/// A ruleset that others change, or whose kernel is short of memory, at a test's wish.
final class DisturbedRuleset: NFRuleset {
    enum Moment {
        case beforeListing, beforeCommit
        /// It is in effect by then.
        case afterCommit
    }

    let simulated = SimulatedRuleset()
    /// Comes between; what it throws is what the caller hears.
    var disturbing: (Moment) throws(NFTablesError) -> Void = { _ throws(NFTablesError) in }

    /// Somebody else changes a table of theirs.
    func changeByOthers() throws(NFTablesError) {
        let table = NFTable(.ipv4, "others")
        try simulated.commit(NFTransaction(table, [.addTable]), expecting: nil)
    }

    func commit(_ transaction: NFTransaction, expecting generation: UInt32?) throws(NFTablesError) {
        try disturbing(.beforeCommit)
        try simulated.commit(transaction, expecting: generation)
        try disturbing(.afterCommit)
    }

    func listing(of table: NFTable, leavingOut sets: Set<String>) throws(NFTablesError) -> NFListing? {
        try disturbing(.beforeListing)
        return simulated.listing(of: table, leavingOut: sets)
    }

    func generation() throws(NFTablesError) -> UInt32 { simulated.generation() }
    func tables() throws(NFTablesError) -> [NFTable] { simulated.tables() }
    func chains(of table: NFTable) throws(NFTablesError) -> [NFChain] { simulated.chains(of: table) }
}
