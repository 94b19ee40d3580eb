import Conntrack
package import Logging
import NFTables
import NetworkTypes
import Synchronization
import System

/// Enforces Services by the kernel's iptables rules, loaded with `iptables-restore --noflush`: the chains that
/// administrators know from kube-proxy. A change touches the chains of its own Services; what others have in the tables
/// is left alone, but for the chains of a kube-proxy in this mode, which have the same names.
///
/// - Everything runs on a thread of its own, in the network namespace that the enforcer was made in.
/// - Rules outlive the process: traffic goes on while it is restarted.
/// - Node ports on 127.0.0.0/8, and cluster IPs from there, make it turn `route_localnet` on, behind a guard; those on `::1`
///   are not served.
package final class IPTablesEnforcer: ServiceEnforcer {
    /// How often it looks whether the rules are still there. Rules that take long to list are looked at less often: for at
    /// most a twentieth of the time.
    package static let verificationPause: Duration = .seconds(1)
    private static let verificationShare = 20

    package let losses: AsyncStream<EnforcementLoss>
    private let lose: AsyncStream<EnforcementLoss>.Continuation
    private let thread: SerialThread
    private let engine: Engine
    private let verification: Task<Void, Never>

    /// - Throws: why iptables cannot be used here. Where only IPv6 is missing, addresses of IPv6 are reported.
    package init(
        _ policy: MasqueradePolicy, logger: Logger, verificationPause: Duration = IPTablesEnforcer.verificationPause
    ) throws(IPTablesTool.Failure) {
        let thread: SerialThread
        do {
            thread = try SerialThread(name: "iptables")
        } catch {
            throw IPTablesTool.Failure(error.description)
        }
        var tools: [IPFamily: Result<IPTablesTool, IPTablesTool.Failure>] = [.v4: .success(try IPTablesTool(.v4))]
        do throws(IPTablesTool.Failure) {
            tools[.v6] = .success(try IPTablesTool(.v6))
        } catch {
            tools[.v6] = .failure(error)
        }
        let flows: KernelFlows
        do {
            flows = try KernelFlows()
        } catch {
            throw IPTablesTool.Failure("conntrack: \(error)")
        }
        // The older iptables has tables of its own, which tell nobody that they changed.
        let isNFT = tools.values.allSatisfy { if case .success(let tool) = $0 { tool.isNFT } else { true } }
        var ruleset: KernelRuleset?
        // Without it everything is listed each time.
        if isNFT { ruleset = try? KernelRuleset() }
        let engine = Engine(
            IPTablesState(policy: policy, tools: tools, flows: flows, ruleset: ruleset, logger: logger))
        let (losses, lose) = AsyncStream.makeStream(of: EnforcementLoss.self)
        self.thread = thread
        self.engine = engine
        (self.losses, self.lose) = (losses, lose)
        verification = Task {
            var pause = verificationPause
            while !Task.isCancelled {
                // Ends early only by cancellation, which the loop checks.
                try? await Task.sleep(for: pause)
                let (isIntact, cost) = await thread.perform {
                    engine.state.withLock { state in
                        let start = ContinuousClock.now
                        return (state.isIntact(), ContinuousClock.now - start)
                    }
                }
                pause = max(verificationPause, cost * Self.verificationShare)
                if !isIntact { lose.yield(.everything) }
            }
        }
    }

    deinit { verification.cancel() }

    package func enforce(_ batch: EnforcementBatch) async -> EnforcementReport {
        await thread.perform { [engine] in engine.state.withLock { $0.enforce(batch) } }
    }

    package func shutDown(grace: Duration) async {
        verification.cancel()
        lose.finish()
    }

    /// As `cleanUp`, where the chains are ours rather than a kube-proxy's.
    package static func cleanUpOwn() throws(IPTablesTool.Failure) -> Int {
        NFTablesEnforcer.hasLeftovers(ofChain: IPTablesFrame.offClusterChain) ? try cleanUp() : 0
    }

    /// Removes every rule and chain of ours, and of a kube-proxy in this mode, from the kernel. Blocks.
    ///
    /// - Returns: how many chains were removed.
    package static func cleanUp() throws(IPTablesTool.Failure) -> Int {
        var count = 0
        for family in IPFamily.allCases {
            let tool: IPTablesTool
            do throws(IPTablesTool.Failure) {
                tool = try IPTablesTool(family)
            } catch {
                // What cannot be used has nothing of ours.
                continue
            }
            let listing = try tool.list()
            if family == .v4, listing.chains[.filter]?[IPTablesFrame.loopbackChain] != nil {
                // Before the guard goes.
                do throws(SystemError) {
                    try KernelSetting.routeLoopback.turn(false)
                } catch {
                    throw IPTablesTool.Failure(error.description)
                }
            }
            try tool.load(IPTablesRuleset.removal(of: listing))
            count += listing.chains.values.reduce(0) { $0 + $1.count }
        }
        return count
    }

    /// The mutex protects the state; only the thread takes it.
    private final class Engine: Sendable {
        let state: Mutex<IPTablesState>

        init(_ state: consuming sending IPTablesState) { self.state = Mutex(state) }
    }
}
