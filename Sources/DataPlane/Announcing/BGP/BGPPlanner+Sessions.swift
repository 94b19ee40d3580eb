internal import Announcement
internal import KubeModel
internal import NetworkTypes
internal import Transport

extension BGPPlanner {
    /// Marks a BGPPeer whose packets must come from the node's own link (RFC 5082). MetalLB's kind has no field for it, and
    /// it cannot be the rule: routers send with a TTL of 1 unless they are told to do the same.
    package static let securityAnnotation = "traffic.martlet.dev/ttl-security"

    /// For how many seconds a peer keeps our routes while we restart, as FRR and BIRD offer by default.
    static let restartTime: UInt16 = 120

    /// This node's side of the session with a peer; nil where the session is for other nodes.
    func session(_ key: NamespacedName, _ peer: BGPPeer) -> Result<BGPPeerPlan?, Refusal> {
        guard let spec = peer.spec, choosesNode(spec.nodeSelectors) else { return .success(nil) }
        do throws(Refusal) {
            if let obstacle { throw Refusal("no session is opened: \(obstacle)") }
            if let vrf = spec.vrf, !vrf.isEmpty {
                throw Refusal(
                    "no session is opened: VRFs (\(vrf)) are not supported; leave spec.vrf out, and let the node's main"
                        + " routing table lead to spec.peerAddress")
            }
            if let interface = spec.interface, !interface.isEmpty {
                throw Refusal(
                    "no session is opened: peers without an address (interface \(interface)) are not supported; give"
                        + " the router's address on that link as spec.peerAddress in place of spec.interface")
            }
            guard let address = spec.peerAddress.flatMap({ IPAddress($0) }) else {
                throw Refusal("no session is opened: spec.peerAddress is no IP address")
            }
            guard let port = Port(exactly: spec.peerPort ?? 179), port.rawValue > 0 else {
                throw Refusal("no session is opened: spec.peerPort is no port")
            }
            let session = try configuration(spec, address)
            let secret = self.secret(spec, key)
            if let secret, passwords[secret] == nil { return .success(nil) }
            var protection = RouterProtection(md5Key: try password(spec, key, secret))
            protection.isSingleHop = spec.ebgpMultiHop != true
            protection.requiresSingleHop = peer.metadata.annotations?[Self.securityAnnotation] == "true"
            if protection.requiresSingleHop, !protection.isSingleHop {
                throw Refusal("no session is opened: \(Self.securityAnnotation) excludes spec.ebgpMultiHop")
            }
            let source = spec.sourceAddress.flatMap { IPAddress($0) }
            if source == nil, let text = spec.sourceAddress, !text.isEmpty {
                throw Refusal("no session is opened: spec.sourceAddress is no IP address")
            }
            let plan = BGPPeerPlan(
                name: key.description, session: session,
                endpoint: BGPPeerEndpoint(
                    address: SocketAddress(ip: address, port: port), source: source, protection: protection),
                bfd: try bfd(spec, key, address, source))
            return .success(plan)
        } catch {
            return .failure(error)
        }
    }

    private func configuration(_ spec: BGPPeerSpec, _ address: IPAddress) throws(Refusal) -> BGPSessionConfiguration {
        let own = (spec.localASN ?? 0) != 0 ? spec.localASN : spec.myASN
        guard let local = own.flatMap({ UInt32(exactly: $0) }), local != 0 else {
            throw Refusal("no session is opened: spec.myASN is no AS number")
        }
        let expected: BGPSessionConfiguration.PeerASN
        switch (spec.peerASN ?? 0, spec.dynamicASN) {
        case (0, "internal"): expected = .same
        case (0, "external"): expected = .other
        case (let number, _):
            guard let number = UInt32(exactly: number), number != 0 else {
                throw Refusal("no session is opened: spec.peerASN is no AS number, and spec.dynamicASN not known")
            }
            expected = .number(number)
        }
        var configuration = BGPSessionConfiguration(
            localASN: local, peerASN: expected, identifier: try identifier(spec))
        if let seconds = try seconds(spec.holdTime, "holdTime") {
            guard seconds == 0 || seconds >= 3 else {
                throw Refusal("no session is opened: spec.holdTime must be 0 or at least 3s")
            }
            configuration.holdTime = seconds
        }
        // None, and none of zero seconds, mean a third of the hold time.
        configuration.keepaliveTime = try seconds(spec.keepaliveTime, "keepaliveTime").flatMap { $0 == 0 ? nil : $0 }
        configuration.connectTime = try seconds(spec.connectTime, "connectTime")
        let isSingleFamily = spec.disableMP == true && spec.dualStackAddressFamily != true
        configuration.families = isSingleFamily ? [address.family] : [.v4, .v6]
        if spec.enableGracefulRestart == true {
            configuration.gracefulRestart = .init(
                restartTime: Self.restartTime, isForwardingPreserved: isForwardingPreserved)
        }
        return configuration
    }

    /// The configured identifier, else the node's first IPv4 address, else a number made of its name: the same after each
    /// restart, and another on each node.
    private func identifier(_ spec: BGPPeerSpec) throws(Refusal) -> UInt32 {
        if let text = spec.routerID, !text.isEmpty {
            guard let number = IPAddress(text)?.v4, number != 0 else {
                throw Refusal("no session is opened: spec.routerID is no IPv4 address")
            }
            return number
        }
        let own = nodeAddresses.filter { $0.family == .v4 && !$0.isLoopback && !$0.isLinkLocalUnicast }
        if let number = own.first?.v4, number != 0 { return number }
        // FNV-1a.
        let hash = node.utf8.reduce(0x811c_9dc5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        return max(1, hash)
    }

    private func seconds(_ text: String?, _ field: String) throws(Refusal) -> UInt16? {
        guard let text, !text.isEmpty else { return nil }
        guard let nanoseconds = GoDuration.parse(text), let seconds = UInt16(exactly: nanoseconds / 1_000_000_000)
        else { throw Refusal("no session is opened: spec.\(field) is no duration of 0 to 65535 seconds") }
        return seconds
    }

    private func secret(_ spec: BGPPeerSpec, _ key: NamespacedName) -> NamespacedName? {
        guard let name = spec.passwordSecret?.name, !name.isEmpty else { return nil }
        return NamespacedName(namespace: key.namespace, name: name)
    }

    private func password(
        _ spec: BGPPeerSpec, _ key: NamespacedName, _ secret: NamespacedName?
    ) throws(Refusal) -> [UInt8]? {
        var password: [UInt8]?
        if let secret {
            let namespace = spec.passwordSecret?.namespace ?? ""
            guard namespace.isEmpty || namespace == key.namespace else {
                throw Refusal("no session is opened: a password is read from the peer's own namespace only")
            }
            guard case .bytes(let bytes) = passwords[secret] else {
                throw Refusal(
                    "no session is opened: there is no Secret \(secret.name) of type kubernetes.io/basic-auth with a password"
                )
            }
            password = bytes
        } else if let text = spec.password, !text.isEmpty {
            password = Array(text.utf8)
        }
        if let password, !(1...80).contains(password.count) {
            throw Refusal("no session is opened: a password may have 1 to 80 bytes")
        }
        return password
    }

    private func bfd(
        _ spec: BGPPeerSpec, _ key: NamespacedName, _ address: IPAddress, _ source: IPAddress?
    ) throws(Refusal) -> BGPPeerPlan.BFD? {
        guard let name = spec.bfdProfile, !name.isEmpty else { return nil }
        guard let profile = profiles[NamespacedName(namespace: key.namespace, name: name)] else {
            throw Refusal("no session is opened: there is no BFDProfile \(name) in the peer's namespace")
        }
        let timers = profile.spec ?? BFDProfileSpec()
        var configuration = BFDSession.Configuration()
        configuration.receiveInterval = .milliseconds(min(60_000, max(10, timers.receiveInterval ?? 300)))
        configuration.transmitInterval = .milliseconds(min(60_000, max(10, timers.transmitInterval ?? 300)))
        configuration.detectMultiplier = UInt8(clamping: max(1, timers.detectMultiplier ?? 3))
        configuration.isPassive = timers.passiveMode ?? false
        let hops = spec.ebgpMultiHop == true ? UInt8(clamping: timers.minimumTtl ?? 254) : nil
        return .init(
            peer: BFDSpeaker.Peer(address: address, source: source, minimumHops: hops), configuration: configuration)
    }
}
