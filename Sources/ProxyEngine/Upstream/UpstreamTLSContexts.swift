internal import Transport

/// The TLS contexts of a configuration's upstreams. Endpoints know theirs by number, 0 for none: two upstreams that share
/// an address share its connections only if they want the same of them.
struct UpstreamTLSContexts: Sendable {
    private enum Entry: Sendable {
        case context(TLSContext, serverName: String?, sendsServerName: Bool)
        /// What is wanted cannot be done (a certificate that cannot be read): no connection is made then.
        case failed(TransportError)
    }

    private struct Wanted: Hashable {
        let tls: UpstreamTLS
        let version: ProxyConfiguration.Upstream.HTTPVersion
    }

    private var numbers: [Wanted: Int32] = [:]
    private var entries: [Int32: Entry] = [:]
    private var last: Int32 = 0

    init() {}

    /// The client's side of TLS for a connection that wants what `number` stands for.
    func session(_ number: Int32, descriptor: Int32) throws(TransportError) -> TLSSession {
        switch entries[number] {
        case .context(let context, let serverName, let sendsServerName):
            return try context.session(
                descriptor: descriptor, serverName: serverName, sendsServerName: sendsServerName)
        case .failed(let error): throw error
        case nil: throw TransportError(.invalidArgument, "nobody wants TLS of number \(number) any more")
        }
    }

    /// The number of what `upstream` wants, made when it is new.
    ///
    /// - Parameter failure: is told why it cannot be done, each time.
    mutating func number(for upstream: ProxyConfiguration.Upstream, failure: (String) -> Void = { _ in }) -> Int32 {
        guard let tls = upstream.tls else { return 0 }
        let wanted = Wanted(tls: tls, version: upstream.version)
        let number = numbers[wanted] ?? add(wanted)
        if case .failed(let error) = entries[number] { failure(error.message) }
        return number
    }

    private mutating func add(_ wanted: Wanted) -> Int32 {
        last += 1
        numbers[wanted] = last
        do throws(TransportError) {
            entries[last] = .context(
                try Self.context(wanted.tls, wanted.version), serverName: wanted.tls.serverName,
                sendsServerName: wanted.tls.sendsServerName)
        } catch {
            entries[last] = .failed(error)
        }
        return last
    }

    /// Forgets what none of `upstreams` wants.
    mutating func keep(for upstreams: [ProxyConfiguration.Upstream]) {
        let wanted = Set(
            upstreams.compactMap { upstream in upstream.tls.map { Wanted(tls: $0, version: upstream.version) } })
        for (key, number) in numbers where !wanted.contains(key) {
            numbers[key] = nil
            entries[number] = nil
        }
    }

    private static func context(
        _ tls: UpstreamTLS, _ version: ProxyConfiguration.Upstream.HTTPVersion
    ) throws(TransportError) -> TLSContext {
        let trust: TLSContext.ServerTrust =
            switch tls.verification {
            case .none: .nothingVerified
            case .system: .system
            case .authorities(let pem): .authorities(pem: pem)
            }
        if tls.verification != .none, tls.serverName == nil {
            throw TransportError(.invalidArgument, "a certificate cannot be verified without a server's name")
        }
        var identity: TLSIdentity?
        if let chain = tls.certificateChainPEM, let key = tls.privateKeyPEM {
            identity = try TLSIdentity(certificatePEM: chain, keyPEM: key)
        }
        return try TLSContext(
            client: trust, identity: identity, protocols: version == .http2 ? ["h2"] : ["http/1.1"],
            policy: tls.policy)
    }
}
