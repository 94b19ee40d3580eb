package import NetworkTypes

/// What one loop counted of asking upstream servers.
package struct ResolverCounters: Hashable, Sendable {
    package struct Server: Hashable, Sendable {
        package var requests: UInt64 = 0
        package var failures: UInt64 = 0
        package var probeFailures: UInt64 = 0
        /// By place in `AnswerAccounts.codes`.
        package var responses = [UInt64](repeating: 0, count: AnswerAccounts.codes.count + 1)
        package var durationSum = 0.0
        package var durationCount: UInt64 = 0

        package init() {}
    }

    /// By address: only configured servers are in it.
    package var servers: [SocketAddress: Server] = [:]
    /// Questions that found no room.
    package var overflows: UInt64 = 0
    /// Datagrams that answered nothing that was asked.
    package var foreign: UInt64 = 0
    /// Questions that found every server down.
    package var allDown: UInt64 = 0

    package init() {}

    package mutating func add(_ other: ResolverCounters) {
        overflows += other.overflows
        foreign += other.foreign
        allDown += other.allDown
        for (address, counts) in other.servers {
            var sum = servers[address] ?? Server()
            sum.requests += counts.requests
            sum.failures += counts.failures
            sum.probeFailures += counts.probeFailures
            for index in sum.responses.indices { sum.responses[index] += counts.responses[index] }
            sum.durationSum += counts.durationSum
            sum.durationCount += counts.durationCount
            servers[address] = sum
        }
    }
}
