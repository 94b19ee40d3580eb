internal import Glibc
package import NetworkTypes
internal import Synchronization
package import Transport

/// The L7 proxy: accepts HTTP/1.1 and HTTP/2 (with and without TLS), routes by host and path, and forwards to pooled upstream
/// connections.
///
/// It runs on the event loops it is given, each with its own listening sockets, connections and pools; loops share
/// nothing but the compiled configuration. ``apply(_:)`` replaces that by handing each loop one reference: there is no
/// reload, no request fails and no connection closes because of it.
package final class ProxyEngine: Sendable {
    private struct State {
        /// The upstreams of the configuration that is in force.
        var upstreamNames: Set<String> = []
        var counters = RouteCounterRegistry()
        /// What each wanted listener is bound to.
        var bound: [ProxyConfiguration.Listener: SocketAddress] = [:]
        var tls: TLSContext?
        /// Of the configuration that is in force.
        var patterns: [String: HeaderPattern] = [:]
        var programs: [String: PathProgram] = [:]
        var upstreamTLS = UpstreamTLSContexts()
        var certificates: [ProxyConfiguration.ServerCertificate: TLSIdentity] = [:]
        var fallback: TLSIdentity?
        var clientTrusts = ClientTrusts()
        var isShutDown = false
    }

    private let workers: [ProxyWorker]
    private let crowding: CrowdingWatch
    private let state = Mutex(State())

    /// - Parameters:
    ///   - loops: at least one. The engine does not stop them.
    ///   - crowding: counts what is closed for want of room, and tells of it.
    ///   - losses: tells of requests that their upstreams failed.
    package init(
        loops: [EventLoop], accessLog: (any AccessLog)? = nil, crowding: CrowdingWatch = CrowdingWatch(),
        losses: LossWatch = LossWatch()
    ) {
        precondition(!loops.isEmpty)
        self.crowding = crowding
        let books = ClientBooks()
        let passwords = PasswordChecker()
        workers = loops.map {
            ProxyWorker(
                loop: $0, accessLog: accessLog, crowding: crowding, losses: losses, books: books, passwords: passwords)
        }
    }

    /// Makes `configuration` the one that requests are served by from now on: on return the listeners are bound, and
    /// every loop takes the routes over before the events that it collects from now on. Any thread.
    ///
    /// - Returns: the parts that could not take effect; empty when all of it did.
    @discardableResult
    package func apply(_ configuration: ProxyConfiguration) -> [ProxyProblem] {
        state.withLock { state in
            guard !state.isShutDown else { return [] }
            var problems: [ProxyProblem] = []
            prepareCertificates(configuration, &state, &problems)
            let prepared = state.clientTrusts.prepare(configuration.clientCertificates) { index, message in
                problems.append(ProxyProblem(subject: .clientCertificates(index), message: message))
            }
            state.tls?.replaceClientTrusts(ClientTrusts.names(configuration, prepared))
            let changes = bindListeners(configuration, &state, &problems)
            let table = RoutingTable(configuration, patterns: state.patterns, programs: state.programs)
            state.patterns = table.patterns
            state.programs = table.patternRoutes.programs
            let names = table.origins.map { Self.routeName(configuration.hosts[$0.host], $0.route) }
            let assignment = state.counters.assign(names)
            let compiled = CompiledConfiguration(
                table: table, configuration: configuration, routeCounters: assignment.counters,
                tls: state.tls, httpsPortSuffix: Self.httpsPortSuffix(state.bound),
                certificateRules: prepared.map(\.rule))
            let numbers = configuration.upstreams.map { upstream in
                state.upstreamTLS.number(for: upstream) { message in
                    problems.append(ProxyProblem(subject: .upstream(upstream.name), message: message))
                }
            }
            state.upstreamTLS.keep(for: configuration.upstreams)
            state.upstreamNames = Set(configuration.upstreams.map(\.name))
            for (index, worker) in workers.enumerated() {
                let added = changes.added.map { ($0.listener, $0.descriptors[index], $0.port) }
                worker.loop.execute {
                    [loops = workers.count, upstreams = configuration.upstreams, tls = state.upstreamTLS] in
                    worker.core.pointee.install(
                        compiled, upstreams: upstreams, tls: tls, numbers: numbers, freshCounters: assignment.fresh,
                        loops: loops)
                    for (listener, descriptor, port) in added {
                        worker.listen(listener, descriptor: descriptor, port: port)
                    }
                    for listener in changes.removed { worker.stopListening(listener) }
                }
            }
            return problems
        }
    }

    /// Gives the named upstreams of the configuration in force other endpoints, and costs only those: no route is
    /// compiled, no other upstream is looked at. Every loop takes them over between two of its events, soon. What
    /// ``apply(_:)`` promises to endpoints that stay or go holds here too. Any thread; calls of both take effect in
    /// their order, so whoever patches must see to it that the next whole configuration has these endpoints.
    ///
    /// - Returns: names that the configuration in force does not have; they change nothing.
    @discardableResult
    package func patch(_ upstreams: [ProxyConfiguration.Upstream]) -> [String] {
        state.withLock { state in
            guard !state.isShutDown else { return [] }
            let known = upstreams.filter { state.upstreamNames.contains($0.name) }
            if !known.isEmpty {
                let numbers = known.map { state.upstreamTLS.number(for: $0) }
                for worker in workers {
                    worker.loop.execute { [tls = state.upstreamTLS] in
                        worker.core.pointee.patch(known, tls: tls, numbers: numbers)
                    }
                }
            }
            return upstreams.lazy.map(\.name).filter { !state.upstreamNames.contains($0) }
        }
    }

    /// The address each configured listener is bound to (with the port the kernel chose, where 0 was asked for).
    package var boundAddresses: [ProxyConfiguration.Listener: SocketAddress] {
        state.withLock { $0.bound }
    }

    /// All counters, each loop's taken between two of its events.
    package func counters() async -> ProxyCounters {
        let names = state.withLock { $0.counters.names }
        var sum = ProxyCounters()
        sum.connectionsClosed = crowding.counts
        for worker in workers {
            sum = await withCheckedContinuation { continuation in
                worker.loop.execute { [sum] in
                    var sum = sum
                    worker.core.pointee.addCounters(to: &sum, routeNames: names)
                    continuation.resume(returning: sum)
                }
            }
        }
        return sum
    }

    /// Stops accepting, lets requests under way finish for at most `grace` and then ends what is left (upgraded
    /// connections among it). Returns when every connection is closed.
    package func shutdown(grace: Duration) async {
        state.withLock { state in
            state.isShutDown = true
            state.bound = [:]
        }
        for worker in workers {
            worker.loop.execute { worker.drain() }
        }
        let deadline = ContinuousClock.now + grace
        while ContinuousClock.now < deadline {
            if await counters().connectionsOpen == 0 { break }
            // Being cancelled means to wait no longer.
            do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
        }
        for worker in workers {
            await withCheckedContinuation { continuation in
                worker.loop.execute {
                    worker.abort()
                    continuation.resume()
                }
            }
        }
    }

    // MARK: Listeners

    private struct ListenerChanges: Sendable {
        var added: [(listener: ProxyConfiguration.Listener, descriptors: [Int32], port: Port)] = []
        var removed: [ProxyConfiguration.Listener] = []
    }

    private func bindListeners(
        _ configuration: ProxyConfiguration, _ state: inout State, _ problems: inout [ProxyProblem]
    ) -> ListenerChanges {
        var changes = ListenerChanges()
        let wanted = Set(configuration.listeners)
        for listener in state.bound.keys where !wanted.contains(listener) {
            changes.removed.append(listener)
            state.bound[listener] = nil
        }
        for listener in configuration.listeners where state.bound[listener] == nil {
            do {
                let (descriptors, bound) = try bind(listener.address)
                state.bound[listener] = bound
                changes.added.append((listener, descriptors, bound.port))
            } catch {
                problems.append(ProxyProblem(subject: .listener(listener.address), message: error.message))
            }
        }
        return changes
    }

    /// One listening socket for each loop, all on one address.
    private func bind(_ address: SocketAddress) throws(TransportError) -> ([Int32], SocketAddress) {
        let group = try ListenerGroup.open(.tcp(address), loops: workers.count)
        guard case .tcp(let bound) = group.address else { return ([], address) }
        return (workers.indices.map(group.descriptor(forLoop:)), bound)
    }

    private static func httpsPortSuffix(_ bound: [ProxyConfiguration.Listener: SocketAddress]) -> [UInt8] {
        let ports = bound.filter { $0.key.scheme == .https }.map { ($0.key.publicPort ?? $0.value.port).rawValue }
        guard let port = ports.contains(443) ? 443 : ports.min(), port != 443 else { return [] }
        return Array(":\(port)".utf8)
    }

    private static func routeName(_ host: ProxyConfiguration.VirtualHost, _ route: Int) -> String {
        let route = host.routes[route]
        let kind =
            switch route.match {
            case .exact: " (exact)"
            case .prefix: ""
            case .pattern: " (regex)"
            }
        return "\(host.host)\(route.path)\(kind)"
    }

    // MARK: Certificates

    private func prepareCertificates(
        _ configuration: ProxyConfiguration, _ state: inout State, _ problems: inout [ProxyProblem]
    ) {
        guard configuration.listeners.contains(where: { $0.scheme == .https }) else { return }
        var byName: [String: TLSIdentity] = [:]
        var identities: [ProxyConfiguration.ServerCertificate: TLSIdentity] = [:]
        for (index, certificate) in configuration.certificates.enumerated() {
            do throws(TransportError) {
                // Reading a key costs more than the rest of a swap: what has not changed is kept.
                let identity: TLSIdentity
                if let known = state.certificates[certificate] {
                    identity = known
                } else {
                    identity = try TLSIdentity(
                        certificatePEM: certificate.certificateChainPEM, keyPEM: certificate.privateKeyPEM)
                }
                identities[certificate] = identity
                let hosts = certificate.hosts.isEmpty ? identity.dnsNames : certificate.hosts
                for host in hosts where byName[host.lowercased()] == nil {
                    byName[host.lowercased()] = identity
                }
            } catch {
                problems.append(ProxyProblem(subject: .certificate(index), message: error.message))
            }
        }
        let isUnchanged =
            state.tls != nil && identities.count == state.certificates.count
            && identities.keys.allSatisfy { state.certificates[$0] != nil }
        state.certificates = identities
        if isUnchanged { return }
        do {
            if state.fallback == nil { state.fallback = try FallbackCertificate.make() }
            let certificates = TLSCertificates(byName: byName, fallback: state.fallback)
            if let tls = state.tls {
                tls.replaceCertificates(certificates)
            } else {
                state.tls = try TLSContext(server: certificates, protocols: ["h2", "http/1.1"])
            }
        } catch {
            for listener in configuration.listeners where listener.scheme == .https {
                problems.append(ProxyProblem(subject: .listener(listener.address), message: error.message))
            }
        }
    }
}
