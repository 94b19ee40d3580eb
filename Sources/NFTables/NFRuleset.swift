/// The nftables of a machine: the kernel's (`KernelRuleset`), or a fake that refuses what the kernel refuses
/// (`SimulatedRuleset`). It blocks, and is for one thread at a time.
package protocol NFRuleset: AnyObject {
    /// Makes a transaction take effect as a whole.
    ///
    /// - Parameter generation: what `generation()` said when the transaction was made; nil for any.
    /// - Throws: `NFTablesError`; then nothing changed.
    func commit(_ transaction: NFTransaction, expecting generation: UInt32?) throws(NFTablesError)

    /// Counts the transactions of all tables of this machine's network namespace, whoever makes them.
    func generation() throws(NFTablesError) -> UInt32

    /// The tables of the families that `NFFamily` knows, whoever they belong to.
    func tables() throws(NFTablesError) -> [NFTable]

    /// The chains of one table; none where there is no such table.
    func chains(of table: NFTable) throws(NFTablesError) -> [NFChain]

    /// Everything in one table; nil where there is no such table.
    ///
    /// - Parameter leavingOut: sets whose elements are of no interest.
    func listing(of table: NFTable, leavingOut sets: Set<String>) throws(NFTablesError) -> NFListing?
}
