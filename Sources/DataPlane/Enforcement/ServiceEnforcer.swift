package import TrafficModel

/// What makes a machine treat traffic to Services as the API says: user space, nftables, iptables, ipvs.
///
/// The caller cuts batches and hands them over one at a time, waiting for each report; an enforcer sees every change,
/// in order, and never two batches at once. One batch is one unit of work: a kernel's enforcer turns it into one
/// transaction, which takes effect as a whole or not at all.
///
/// What an enforcer owes:
/// - **Level, not edge.** When `enforce` returns, what the batch names is in effect or stands in the report. A Service
///   that is named without having changed (`before == after`) is to be looked at again: that is how the caller repeats
///   what failed. Nothing is repeated by the enforcer itself.
/// - **Failures stay small.** What one Service asks for and cannot have must not keep the others of the batch from
///   theirs; where a transaction fails as a whole, the enforcer finds the culprits.
/// - **Established traffic is left alone** unless its endpoint is gone: see `StaleFlows` for what that means without
///   connections.
/// - With `EnforcementBatch.Extent.everything` nothing may be taken from memory: the enforcer reads what is in effect,
///   or replaces all of it.
package protocol ServiceEnforcer: AnyObject, Sendable {
    /// Whether endpoints are chosen in this way where a Service asks for it; else they are chosen at random.
    func balances(by balancing: ServiceBalancing) -> Bool

    /// Carries a batch out. Never throws: what could not be done is reported by Service.
    func enforce(_ batch: EnforcementBatch) async -> EnforcementReport

    /// Tells, whenever it happens, that what was in effect no longer is (somebody flushed a table, a helper process
    /// died): the caller answers with a batch that names it. Finishes where that cannot happen. For one consumer.
    var losses: AsyncStream<EnforcementLoss> { get }

    /// Tells what there was no room for. Finishes where the kernel has the connections. For one consumer.
    var crowding: AsyncStream<RelayCrowding> { get }

    /// Takes no new traffic from now on, lets what is under way finish for at most `grace`, and returns. An enforcer
    /// whose work outlives the process (rules in the kernel) leaves it in effect and returns at once.
    func shutDown(grace: Duration) async
}

extension ServiceEnforcer {
    package func balances(by balancing: ServiceBalancing) -> Bool { balancing == .random }
    package var crowding: AsyncStream<RelayCrowding> { AsyncStream { $0.finish() } }
}
