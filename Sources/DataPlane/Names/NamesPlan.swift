import DNS
import NetworkTypes

/// How names are served: what the flags say, and what a Corefile says where there is one. Pure.
///
/// Every line of a Corefile is done, or there is a finding about it, and the others hold. A line that keeps something from
/// somebody and that is not understood keeps it from everybody.
struct NamesPlan: Sendable {
    struct Finding: Hashable, Sendable {
        var place: Corefile.Place
        var message: String
        /// Something is refused that may be meant to be answered, since passing the line over could answer too much.
        var isClosing = false
    }

    /// What a plan is made of besides the Corefile.
    struct Circumstances: Hashable, Sendable {
        /// The servers of `/etc/resolv.conf`, this one not among them.
        var resolvers: [SocketAddress] = []
        /// Where this server listens.
        var addresses: [SocketAddress] = []
        /// The cluster IPs of the Service for DNS, which lead here too.
        var clusterAddresses: [IPAddress] = []
        /// The addresses of this machine.
        var machine: Set<IPAddress> = []
        /// The files that a Corefile may name, by path: the keys of its ConfigMap, as they would be mounted.
        var files: [String: String] = [:]
        /// The names and addresses of Nodes.
        var nodes: [HostTable.Entry] = []

        /// Where this server is reached.
        var ownServers: [SocketAddress] { addresses + clusterAddresses.map { SocketAddress(ip: $0, port: 53) } }

        /// Whether who asks `server` asks this one.
        func isOwn(_ server: SocketAddress) -> Bool {
            ownServers.contains { $0.isReached(by: server, on: machine) }
        }
    }

    let circumstances: Circumstances
    var cluster: ClusterNames.Settings
    var policy = AnswerPolicy()
    private(set) var findings: [Finding] = []
    /// Where zones are that have a block for some askers alone.
    var viewedZones: [(place: Corefile.Place, zone: DomainName)] = []
    /// Where the cache was set up, if it was.
    var cacheLine: Corefile.Place?
    /// The zones of the blocks that have a cache.
    var cachedZones: Set<DomainName> = []
    /// What a cache is not to keep.
    var uncached: [(place: Corefile.Place, zone: DomainName)] = []
    /// Where the names of the cluster were set up, if they were.
    var clusterLine: Corefile.Place?
    /// The zones of the block that is being read.
    private(set) var zonesOfBlock: [DomainName] = []
    /// What is done, as CoreDNS' metrics name it.
    var enabled: Set<EnabledPlugin> = []
    /// Servers that somebody named and that are this one: nobody asks himself.
    private(set) var ownUpstreams: [SocketAddress] = []
    /// Where the Corefile says who is asked for everything, if it does.
    var forwardLine: Corefile.Place?
    /// The zones that the servers of `/etc/resolv.conf` are asked about.
    var zonesOfResolvers: Set<DomainName> = []

    /// Without a Corefile.
    init(_ configuration: NamesConfiguration, _ circumstances: Circumstances) {
        self.circumstances = circumstances
        cluster = ClusterNames.Settings(
            domain: configuration.domain, servers: circumstances.addresses.map(\.ip).filter { !$0.isUnspecified })
        let servers = configuration.upstreams.isEmpty ? circumstances.resolvers : configuration.upstreams
        if !servers.isEmpty {
            var everything = ForwardedZone(servers: servers)
            everything.secured = configuration.securedUpstreams
            policy.forwardedZones = [everything]
        }
        for name in ["kubernetes", "cache", "loadbalance"] { enable(name, in: .root) }
        if configuration.logPath != nil {
            var block = ServerBlock()
            block.log = QueryLogFilter()
            policy.blocks = [block]
        }
        leaveOutOwnServers()
    }

    init(_ configuration: NamesConfiguration, _ corefile: Corefile, _ circumstances: Circumstances) {
        self.init(configuration, circumstances)
        let usual = policy
        policy = AnswerPolicy()
        policy.cache.bytes = 0
        policy.rotates = false
        policy.answersFromZones = false
        enabled = []
        for server in corefile.servers { read(server) }
        closeViewedZones()
        tellAboutCache()
        // What the command line says goes before what the cluster says: it is about this machine alone.
        if !configuration.upstreams.isEmpty {
            if let forwardLine {
                pass(forwardLine, "forward: on a machine with --dns-upstream that says who is asked, not this line")
            }
            policy.forwardedZones = policy.forwardedZones.filter { $0.name != .root } + usual.forwardedZones
        }
        if configuration.logPath != nil {
            if !policy.blocks.contains(where: { $0.zone == .root }) {
                var block = ServerBlock()
                block.answersFromZones = false
                policy.blocks.append(block)
            }
            for index in policy.blocks.indices { policy.blocks[index].log = QueryLogFilter() }
        }
        // Blocks that do the same as none are none: questions need not look for theirs.
        if policy.blocks.allSatisfy(\.isEmpty), policy.blocks.contains(where: { $0.zone == .root }) {
            policy.blocks = []
            policy.answersFromZones = true
        }
        leaveOutOwnServers()
    }

    private mutating func leaveOutOwnServers() {
        for zone in policy.forwardedZones {
            for server in zone.servers where circumstances.isOwn(server) && !ownUpstreams.contains(server) {
                ownUpstreams.append(server)
            }
        }
        policy.forwardedZones = policy.forwardedZones.map { zone in
            var zone = zone
            zone.servers.removeAll { ownUpstreams.contains($0) }
            return zone
        }
        for zone in policy.forwardedZones where !zone.servers.isEmpty { enable("forward", in: zone.name) }
        for block in policy.blocks {
            if block.log != nil { enable("log", in: block.zone) }
            if !block.hosts.isEmpty { enable("hosts", in: block.zone) }
            if !block.rewrites.isEmpty { enable("rewrite", in: block.zone) }
        }
    }

    /// A plugin does its work in the block of a zone.
    mutating func enable(_ name: String, in zone: DomainName) {
        enabled.insert(EnabledPlugin(zone: zone, name: name))
    }

    /// A line that is not done.
    mutating func pass(_ place: Corefile.Place, _ message: String) {
        findings.append(Finding(place: place, message: message))
    }

    /// A line that is not done, for which something else is closed.
    mutating func close(_ place: Corefile.Place, _ message: String) {
        findings.append(Finding(place: place, message: message, isClosing: true))
    }

    private mutating func read(_ server: Corefile.Server) {
        let zones = server.addresses.compactMap { zone(of: $0, server.place) }
        if let view = server.directives.first(where: { $0.name == "view" }) {
            viewedZones += zones.map { (view.place, $0) }
            return
        }
        zonesOfBlock = zones
        for (index, zone) in zones.enumerated() {
            if let present = policy.blocks.firstIndex(where: { $0.zone == zone }) {
                pass(server.place, "the zone \(zone) has a server block already: of this one only guards are read")
                var block = policy.blocks[present]
                for directive in server.directives where Self.isGuard(directive) { readGuard(directive, &block) }
                policy.blocks[present] = block
                continue
            }
            var block = ServerBlock(zone: zone)
            // Without the plugin nobody knows them: they are forwarded, or refused.
            block.answersFromZones = false
            let known = findings
            for directive in server.directives { read(directive, &block) }
            // Of several zones of one block each would say the same.
            if index > 0 { findings = known + findings[known.count...].filter { !known.contains($0) } }
            policy.blocks.append(block)
            // A block that asks nobody does not let a wider one ask.
            if !policy.forwardedZones.contains(where: { $0.name == zone }), zone != .root {
                policy.forwardedZones.append(ForwardedZone(name: zone, servers: []))
            }
        }
    }

    /// `.:53`, `dns://example.com`, `10.0.0.0/8`; nil for what is not served here.
    private mutating func zone(of address: String, _ place: Corefile.Place) -> DomainName? {
        var text = address[...]
        for scheme in ["dns", "tls", "https", "https3", "grpc", "quic"] where text.hasPrefix("\(scheme)://") {
            guard scheme == "dns" else {
                pass(place, "\(address): only DNS over UDP and TCP is served, so this block is not")
                return nil
            }
            text = text.dropFirst("dns://".count)
        }
        if let network = CIDR(text), let zone = Self.reverseZone(of: network) { return zone }
        if let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) {
            let own = circumstances.addresses.map(\.port.rawValue)
            guard port == 53 || own.contains(port) else {
                pass(place, "\(address): the port is what --dns-port says, so this block is not served")
                return nil
            }
            text = text[..<colon]
        }
        if let network = CIDR(text), let zone = Self.reverseZone(of: network) { return zone }
        guard !text.contains("{"), let name = try? DomainName(text.isEmpty ? "." : text) else {
            pass(place, "\(address) is no zone, so this block is not served")
            return nil
        }
        return name
    }

    /// The reverse zone of a network whose prefix ends with an octet, or a nibble in IPv6.
    static func reverseZone(of network: CIDR) -> DomainName? {
        let unit = network.address.family == .v4 ? 8 : 4
        guard network.prefixLength % unit == 0 else { return nil }
        var name: DomainName? = DomainName.reverse(of: network.address)
        for _ in 0..<((network.address.family.bitWidth - network.prefixLength) / unit) { name = name?.parent }
        return name
    }

    private mutating func read(_ directive: Corefile.Directive, _ block: inout ServerBlock) {
        if Self.isGuard(directive) { return readGuard(directive, &block) }
        guard let directive = readable(directive) else { return }
        switch directive.name {
        case "kubernetes": readKubernetes(directive, &block)
        case "forward": readForward(directive, in: block.zone)
        case "cache": readCache(directive, in: block.zone)
        case "hosts": readHosts(directive, &block)
        case "rewrite": readRewrite(directive, &block)
        case "log": readLog(directive, &block)
        case "loadbalance":
            readLoadBalance(directive)
            enable("loadbalance", in: block.zone)
        case "bufsize": readBufferSize(directive, in: block.zone)
        case "errors", "health", "ready", "prometheus", "minimal", "multisocket":
            readObservation(directive)
            if ["errors", "prometheus"].contains(directive.name) { enable(directive.name, in: block.zone) }
        // Done always: ANY is answered with one record; this server never asks itself; the ConfigMap is followed.
        case "any", "loop": enable(directive.name, in: block.zone)
        case "reload": break
        default: pass(directive.place, "there is no plugin \(directive.name) here")
        }
    }

    private mutating func readLog(_ directive: Corefile.Directive, _ block: inout ServerBlock) {
        var zones: [DomainName] = []
        var isPart = false
        for text in directive.arguments {
            if text.contains("{") || text == "combined" || text == "common" {
                pass(directive.place, "log: there is one format, that of common")
                break
            }
            guard let zone = try? DomainName(text) else {
                pass(directive.place, "log: \(text) is no name")
                isPart = true
                continue
            }
            zones.append(zone)
        }
        // None of what is wanted is no reason to log everything.
        guard !isPart || !zones.isEmpty else { return }
        var classes: Set<QueryLogFilter.Class> = []
        for option in directive.block {
            guard option.name == "class", !option.arguments.isEmpty else {
                pass(option.place, "log: \(option.words.joined(separator: " ")) is no option")
                continue
            }
            for name in option.arguments {
                if name == "all" {
                    classes = Set(QueryLogFilter.Class.allCases)
                } else if let known = QueryLogFilter.Class(rawValue: name) {
                    classes.insert(known)
                } else {
                    pass(option.place, "log: there is no class \(name), but all, success, denial and error")
                }
            }
        }
        block.log = QueryLogFilter(
            zones: zones.isEmpty ? [.root] : zones,
            classes: classes.isEmpty ? Set(QueryLogFilter.Class.allCases) : classes)
    }

    private mutating func readLoadBalance(_ directive: Corefile.Directive) {
        switch directive.arguments.first ?? "round_robin" {
        case "round_robin": policy.rotates = true
        case let other:
            policy.rotates = true
            pass(directive.place, "loadbalance: there is no policy \(other) here; answers take turns")
        }
    }

    private mutating func readBufferSize(_ directive: Corefile.Directive, in zone: DomainName) {
        guard let size = directive.arguments.first.map({ Int($0) }) ?? 1232, (512...4096).contains(size) else {
            return pass(directive.place, "bufsize: a size is from 512 to 4096")
        }
        // What does not pass everywhere in one piece is not sent.
        policy.payloadSize = min(size, 1232)
        enable("bufsize", in: zone)
        if size > 1232 { pass(directive.place, "bufsize: no answer over UDP is longer than 1232 bytes") }
    }
}
