package import NetworkTypes
internal import Synchronization
package import Transport

/// Answers DNS over UDP and TCP, on any number of loops that share only the cache: each has sockets of its own on every
/// address (SO_REUSEPORT), and the present zone data.
package final class NameServer: Sendable {
    /// What all loops counted, and what they hold.
    package struct Counters: Sendable {
        package var answers = AnswerAccounts()
        package var upstream = ResolverCounters()
        package var cachedAnswers = 0
        package var cachedDenials = 0
        package var cacheEvictions: UInt64 = 0
        package var cacheBytes = 0
        /// Lines of tables of hosts.
        package var hosts = 0
        /// Whether each forwarded zone has a server that seems to be up, as every loop sees it.
        package var isUpstreamHealthy = true

        /// TCP connections that were closed for want of room.
        package var connectionsClosed = CrowdingCounts()

        package init() {}
    }

    private let workers: [NameServerLoop]
    private let follower = AddressFollower()
    private let lastAddress = Mutex(0)
    private let onRefusal: @Sendable (SocketAddress, TransportError) -> Void
    private let cache = SharedAnswerCache()
    private let troubles: TroubleTeller
    private let crowding: CrowdingWatch

    /// - Parameters:
    ///   - connections: TCP connections at a time; an eighth may be of strangers, who are refused. Where there is no room, one
    ///     that waits for nothing gives its place to a newcomer.
    ///   - exchanges: Sockets towards upstream servers at a time.
    ///   - log: Told about the queries that the policy's blocks want told.
    ///   - upstreamLog: Told why upstream servers fail.
    ///   - crowding: Counts the connections that are closed for want of room, and tells of them.
    ///   - onRefusedAddress: Told once about an address of this machine that a listener on all of them could not open.
    ///   - idleTimeout: How long a TCP connection may be without a whole query or an answer that is taken, and one over TLS to
    ///     an upstream server without an answer.
    package init(
        loops: [EventLoop], connections: Int = 512, exchanges: Int = 4096, idleTimeout: Duration = .seconds(10),
        log: (any QueryLog)? = nil, upstreamLog: (any UpstreamLog)? = nil,
        crowding: CrowdingWatch = CrowdingWatch(),
        onRefusedAddress: @escaping @Sendable (SocketAddress, TransportError) -> Void = { _, _ in }
    ) {
        self.crowding = crowding
        onRefusal = onRefusedAddress
        let troubles = TroubleTeller(upstreamLog)
        self.troubles = troubles
        let cookies = ServerCookie()
        let admission = SharedAdmission(.init(network: connections, perPeer: max(16, connections / 4)))
        let strangers = SharedAdmission(.init(network: max(8, connections / 8), perPeer: max(4, connections / 64)))
        let exchangePlaces = DescriptorShare(limit: exchanges)
        workers = loops.map { [cache, crowding] in
            NameServerLoop(
                loop: $0, cookies: cookies, cache: cache,
                places: StreamPlaces(network: admission, strangers: strangers), crowding: crowding,
                exchangePlaces: exchangePlaces,
                waiters: max(512, 8192 / loops.count), idleTimeout: idleTimeout, log: log,
                troubles: troubles)
        }
    }

    /// Begins to answer on an address, by UDP and TCP. With port 0 the kernel chooses one for both. An unspecified address
    /// stands for each address of this machine (`AddressFollower`), all of which must be free; those that the machine gets
    /// later are opened when they are.
    ///
    /// - Returns: the address with its port.
    package func listen(_ address: SocketAddress) throws(TransportError) -> SocketAddress {
        guard address.ip.isUnspecified, let loop = workers.first?.loop else { return try openPair(address).address }
        return try follower.listen(address, for: self, on: loop) { address throws(TransportError) in
            try Socket.bindUDP(address)
        }
    }

    private func openPair(_ address: SocketAddress) throws(TransportError) -> (number: Int, address: SocketAddress) {
        // With SO_REUSEPORT another process of the same user could share the port, and half of its queries, unnoticed.
        if address.port.rawValue != 0 { Socket.close(try Socket.bindUDP(address)) }
        var descriptors: [(datagram: Int32, stream: Int32)] = []
        var address = address
        do throws(TransportError) {
            for _ in workers {
                let datagram = try Socket.bindAnswering(address)
                address = Socket.localAddress(datagram) ?? address
                let stream: Int32
                do throws(TransportError) {
                    stream = try Socket.listen(address, reusePort: true, backlog: 256)
                } catch {
                    Socket.close(datagram)
                    throw error
                }
                descriptors.append((datagram, stream))
            }
        } catch {
            for pair in descriptors {
                Socket.close(pair.datagram)
                Socket.close(pair.stream)
            }
            throw error
        }
        let number = lastAddress.withLock { last in
            last += 1
            return last
        }
        for (worker, pair) in zip(workers, descriptors) {
            worker.loop.run {
                do throws(TransportError) {
                    try worker.addDatagramListener(pair.datagram, of: number)
                } catch {
                    // Without room in epoll this loop does not answer; the kernel gives its share to the others.
                    Socket.close(pair.datagram)
                }
                worker.addStreamListener(pair.stream, of: number)
            }
        }
        return (number, address)
    }

    /// Answers from this zone data from now on; each loop changes over between two batches.
    package func publish(_ data: ZoneData) { each { $0.responder.data = data } }

    /// The bounds in it are those of the whole server.
    package func setPolicy(_ policy: AnswerPolicy) {
        let share = policy.share(of: workers.count)
        troubles.setZones(policy.forwardedZones)
        each { $0.setPolicy(share) }
    }

    /// Sums what the loops counted.
    package func counters() async -> Counters {
        var sum = Counters()
        for worker in workers {
            let part = await withCheckedContinuation { continuation in
                worker.loop.execute {
                    var part = Counters()
                    part.answers = worker.responder.accounts
                    part.upstream = worker.resolver.counters
                    part.hosts = worker.responder.policy.blocks.reduce(0) { $0 + $1.hosts.reduce(0) { $0 + $1.count } }
                    part.isUpstreamHealthy = worker.resolver.isHealthy
                    continuation.resume(returning: part)
                }
            }
            sum.answers.add(part.answers)
            sum.upstream.add(part.upstream)
            // Each loop has the same.
            sum.hosts = part.hosts
            sum.isUpstreamHealthy = sum.isUpstreamHealthy && part.isUpstreamHealthy
        }
        sum.connectionsClosed = crowding.counts
        let kept = cache.counters
        sum.cachedAnswers = kept.sum.answers
        sum.cachedDenials = kept.sum.denials
        sum.cacheEvictions = kept.sum.evictions
        sum.cacheBytes = kept.bytes
        return sum
    }

    /// Closes every socket. The loops must still run.
    package func stop() async {
        follower.stop()
        for worker in workers {
            await withCheckedContinuation { continuation in
                worker.loop.execute {
                    worker.stop()
                    continuation.resume()
                }
            }
        }
    }

    private func each(_ change: @escaping @Sendable (NameServerLoop) -> Void) {
        for worker in workers { worker.loop.run { change(worker) } }
    }
}

extension NameServer: AddressFollower.Listener {
    package func open(_ address: SocketAddress) throws(TransportError) -> Int { try openPair(address).number }

    package func close(_ number: Int) { each { $0.stopListening(on: number) } }

    package func refused(_ address: SocketAddress, _ error: TransportError) { onRefusal(address, error) }
}
