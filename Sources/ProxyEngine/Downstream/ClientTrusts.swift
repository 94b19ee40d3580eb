internal import Transport

/// The trusts of a configuration's ``ClientCertificatePolicy``s: the same for all that differ in nothing that TLS knows of, and
/// with the same number for as long as one wants it.
struct ClientTrusts: Sendable {
    private struct Wanted: Hashable {
        var authoritiesPEM: [UInt8]
        var revocationsPEM: [UInt8]?
        var depth: Int32

        init(_ policy: ClientCertificatePolicy) {
            authoritiesPEM = policy.authoritiesPEM
            revocationsPEM = policy.revocationsPEM
            depth = policy.depth
        }
    }

    private var known: [Wanted: TLSClientTrust] = [:]
    private var last: Int32 = 0

    init() {}

    /// Of each policy its rule and its trust, nil for what cannot be set up.
    ///
    /// - Parameter failure: is told of these, by their index.
    mutating func prepare(
        _ policies: [ClientCertificatePolicy], failure: (Int, String) -> Void
    ) -> [(rule: ClientCertificateRule, trust: TLSClientTrust?)] {
        var kept: [Wanted: TLSClientTrust] = [:]
        let result = policies.enumerated().map { index, policy in
            let wanted = Wanted(policy)
            var trust = kept[wanted] ?? known[wanted]
            if trust == nil {
                do throws(TransportError) {
                    trust = try TLSClientTrust(
                        number: last + 1, authoritiesPEM: policy.authoritiesPEM, revocationsPEM: policy.revocationsPEM,
                        depth: policy.depth)
                    last += 1
                } catch {
                    failure(index, error.message)
                }
            }
            kept[wanted] = trust
            return (rule: ClientCertificateRule(policy, trust: trust?.number ?? 0), trust: trust)
        }
        known = kept
        return result
    }

    /// Which names ask for which; a name that is there asks for none where it has no policy, whatever a wildcard says.
    static func names(
        _ configuration: ProxyConfiguration, _ prepared: [(rule: ClientCertificateRule, trust: TLSClientTrust?)]
    ) -> TLSClientTrusts {
        var trusts = TLSClientTrusts()
        guard prepared.contains(where: { $0.trust != nil }) else { return trusts }
        func trust(_ index: Int?) -> TLSClientTrust? { index.flatMap { prepared[$0].trust } }
        trusts.fallback = trust(configuration.defaultClientCertificates)
        for host in configuration.hosts {
            let wanted = trust(host.clientCertificates)
            switch HostPattern(host.host.description) {
            case .any: trusts.fallback = wanted ?? trusts.fallback
            case .exact(let name): trusts.byName[name, default: nil] = trusts.byName[name].flatMap(\.self) ?? wanted
            case .wildcard(let suffix):
                trusts.byName["*.\(suffix)", default: nil] = trusts.byName["*.\(suffix)"].flatMap(\.self) ?? wanted
            }
        }
        return trusts
    }
}
