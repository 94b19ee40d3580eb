import DNS
import KubeModel
import NetworkTypes

/// The plugins `kubernetes`, `forward` and `cache`: whose names are known, who is asked for the others, and how long what
/// they say is kept.
extension NamesPlan {
    /// Only blocks with the plugin answer from the cluster's names. There is one set of them, as the first line says.
    mutating func readKubernetes(_ directive: Corefile.Directive, _ block: inout ServerBlock) {
        if let clusterLine {
            return readFurtherKubernetes(directive, clusterLine, &block)
        }
        var zones: [DomainName] = []
        for text in directive.arguments {
            guard let name = CIDR(text).flatMap(Self.reverseZone) ?? (try? DomainName(text)) else {
                pass(directive.place, "kubernetes: \(text) is no zone")
                continue
            }
            zones.append(name)
        }
        if directive.arguments.isEmpty { zones = zonesOfBlock }
        let reverse = zones.filter { $0.isWithin(.v4Reverse) || $0.isWithin(.v6Reverse) }
        let domains = zones.filter { !reverse.contains($0) }
        guard let domain = domains.first, domain != .root else {
            return pass(directive.place, "kubernetes: it names no domain, such as cluster.local; it is not done")
        }
        for zone in zones where !zonesOfBlock.contains(where: { zone.isWithin($0) || $0.isWithin(zone) }) {
            pass(directive.place, "kubernetes: names in \(zone) are not asked of this block, so they are not answered")
        }
        if domains.count > 1 { pass(directive.place, "kubernetes: of the domains only \(domain) has names") }
        clusterLine = directive.place
        block.answersFromZones = true
        enable("kubernetes", in: block.zone)
        cluster.domain = domain
        cluster.reverseZones = reverse
        cluster.namesAddresses = false
        cluster.fallingThrough = []
        for option in directive.block {
            switch option.name {
            case "pods": readPods(option)
            case "ttl":
                guard let ttl = option.arguments.first.flatMap({ UInt32($0) }), ttl <= 3600 else {
                    pass(option.place, "ttl: seconds are from 0 to 3600")
                    continue
                }
                cluster.ttl = ttl
                cluster.negativeTTL = ttl
            case "fallthrough":
                var named: Set<DomainName> = []
                for text in option.arguments {
                    guard let name = try? DomainName(text) else {
                        pass(option.place, "fallthrough: \(text) is no zone")
                        continue
                    }
                    named.insert(name)
                }
                cluster.fallingThrough = option.arguments.isEmpty ? Set([domain] + reverse) : named
            case "namespaces":
                if option.arguments.isEmpty || option.hasVariable {
                    close(option.place, "kubernetes: namespaces is followed by names; no other one has names")
                }
                cluster.namespaces = Set(option.arguments)
            // Whoever is asked for other names is asked for an alias's too.
            case "upstream": break
            case "labels", "namespace_labels":
                // More would have a name than is meant.
                close(option.place, "kubernetes: \(option.name) is not known here: names in \(domain) are refused")
                block.access.append(.closing([domain]))
                cluster.namespaces = []
            default: pass(option.place, "kubernetes: there is no option \(option.name) here")
            }
        }
    }

    /// - Parameter first: where the names were set up.
    private mutating func readFurtherKubernetes(
        _ directive: Corefile.Directive, _ first: Corefile.Place, _ block: inout ServerBlock
    ) {
        // The same line, of another zone of its block.
        if first != directive.place {
            guard !directive.block.contains(where: { Self.guardingOptions.contains($0.name) }) else {
                close(
                    directive.place,
                    "kubernetes: it may keep names back that the one in \(first) has: names in \(block.zone) are refused"
                )
                block.access.append(.closing([block.zone]))
                return
            }
            pass(directive.place, "kubernetes: its zones and options are those of the one in \(first)")
        }
        block.answersFromZones = true
        enable("kubernetes", in: block.zone)
    }

    private mutating func readPods(_ option: Corefile.Directive) {
        switch option.arguments.first {
        case "insecure": cluster.namesAddresses = true
        case "disabled", nil: cluster.namesAddresses = false
        case "verified": pass(option.place, "pods verified: which Pods there are is not known here, so none has a name")
        case let other?: pass(option.place, "pods: \(other) is none of disabled, insecure and verified")
        }
    }

    mutating func readForward(_ directive: Corefile.Directive, in zone: DomainName) {
        guard let from = directive.arguments.first, directive.words.count >= 3, let name = try? DomainName(from) else {
            return pass(directive.place, "forward: it needs a zone and a server")
        }
        // Of a server block's directives each concerns its zone alone.
        var forwarded = ForwardedZone(name: name.isWithin(zone) ? name : zone, servers: [])
        guard !policy.forwardedZones.contains(where: { $0.name == forwarded.name }) else {
            return pass(directive.place, "forward: \(forwarded.name) is forwarded already")
        }
        var secured: [SocketAddress: SecuredServer] = [:]
        for target in directive.arguments.dropFirst() {
            if let server = UpstreamServer(target) {
                forwarded.servers.append(server.address)
                secured[server.address] = server.credentials
            } else if target == "/etc/resolv.conf" {
                forwarded.servers += circumstances.resolvers
                zonesOfResolvers.insert(forwarded.name)
            } else if let text = circumstances.files[target] {
                forwarded.servers += ResolverConfiguration(text).servers.map { SocketAddress(ip: $0, port: 53) }
            } else if target.hasPrefix("tls://") || target.hasPrefix("https://") {
                pass(directive.place, "forward: \(target) is no server: it needs an address")
            } else if target.hasPrefix("/") || target.contains("://") {
                pass(directive.place, "forward: \(target) is no server that can be asked here")
            } else {
                pass(directive.place, "forward: \(target) is no address")
            }
        }
        for server in forwarded.servers where circumstances.isOwn(server) {
            pass(directive.place, "forward: \(server) is this server: not asked")
        }
        var credentials: SecuredServer? = SecuredServer()
        for option in directive.block { readForwardOption(option, &forwarded, &credentials) }
        // Who they are cannot be told.
        if credentials == nil { forwarded.servers.removeAll { secured[$0] != nil } }
        for (server, own) in secured {
            forwarded.secured[server] = credentials.map {
                SecuredServer(name: $0.name ?? own.name, authoritiesPEM: $0.authoritiesPEM, path: own.path)
            }
        }
        policy.forwardedZones.append(forwarded)
        if forwarded.name == .root { forwardLine = directive.place }
    }

    private mutating func readForwardOption(
        _ option: Corefile.Directive, _ forwarded: inout ForwardedZone, _ credentials: inout SecuredServer?
    ) {
        let first = option.arguments.first
        switch option.name {
        case "except" where option.hasVariable:
            close(
                option.place, "except: variables of the environment are not read: \(forwarded.name) is asked of nobody")
            forwarded.servers = []
        case "except":
            for text in option.arguments {
                guard let name = try? DomainName(text) else {
                    pass(option.place, "except: \(text) is no name")
                    continue
                }
                forwarded.exceptions.append(name)
            }
        case "force_tcp": forwarded.forcesTCP = true
        case "policy":
            guard let policy = first.flatMap({ ForwardedZone.Policy(rawValue: $0) }) else {
                return pass(option.place, "policy: there are random, round_robin and sequential")
            }
            forwarded.policy = policy
        case "max_fails":
            guard let number = first.flatMap({ Int($0) }), (0...1000).contains(number) else {
                return pass(option.place, "max_fails: a number is from 0 to 1000")
            }
            forwarded.maximumFailures = number
        case "tls_servername":
            guard let name = first, !option.hasVariable, (try? DomainName(name)) != nil else {
                credentials = nil
                return close(option.place, "tls_servername: it needs a name: servers over TLS are not asked")
            }
            credentials?.name = name
        case "tls":
            guard option.arguments.count <= 1 else {
                credentials = nil
                return close(
                    option.place, "tls: certificates of our own are not sent: servers over TLS are not asked")
            }
            guard let first else { break }
            guard let text = circumstances.files[first] ?? circumstances.files["\(CorefileSource.directory)/\(first)"]
            else {
                credentials = nil
                return close(
                    option.place,
                    "tls: there is no key for \(first) in the ConfigMap: servers over TLS are not asked")
            }
            credentials?.authoritiesPEM = Array(text.utf8)
        // Datagrams are used wherever they will do.
        case "prefer_udp": break
        // kubeadm's; what is under way is bounded always.
        case "max_concurrent" where option.arguments == ["1000"]: break
        case "max_concurrent":
            pass(option.place, "max_concurrent: how many questions are under way is bounded by descriptors")
        case "expire", "max_age", "max_idle_conns":
            pass(option.place, "\(option.name): a connection ends that is not used for 10 seconds")
        case "health_check":
            // Servers that are down are probed.
            if !option.arguments.isEmpty {
                pass(option.place, "health_check: when and with what a server is probed is not for choice here")
            }
        case "failover":
            // After these another server is asked always.
            let done = ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"]
            for code in option.arguments where !done.contains(code.uppercased()) {
                pass(option.place, "failover: no other server is asked after \(code)")
            }
        default: pass(option.place, "forward: there is no option \(option.words.joined(separator: " ")) here")
        }
    }

    mutating func readCache(_ directive: Corefile.Directive, in zone: DomainName) {
        var limits = CacheLimits()
        // Those of CoreDNS, whose users expect them.
        limits.staleFor = 0
        limits.prefetchAfter = 0
        limits.minimumPositiveTTL = 5
        limits.minimumNegativeTTL = 5
        for (index, text) in directive.arguments.enumerated() {
            if index == 0, let ttl = UInt32(text) {
                limits.positiveTTL = min(ttl, 3600)
                limits.negativeTTL = min(ttl, 1800)
            } else if let name = try? DomainName(text) {
                if name != .root {
                    pass(directive.place, "cache: the answers of every zone are kept, not \(text) alone")
                }
            } else {
                pass(directive.place, "cache: \(text) is neither a time nor a zone")
            }
        }
        cachedZones.insert(zone)
        enable("cache", in: zone)
        for option in directive.block { readCacheOption(option, &limits) }
        if let cacheLine, policy.cache != limits {
            return pass(directive.place, "cache: there is one for every zone, as \(cacheLine) says")
        }
        cacheLine = directive.place
        policy.cache = limits
    }

    private mutating func readCacheOption(_ option: Corefile.Directive, _ limits: inout CacheLimits) {
        let numbers = option.arguments.map { UInt32($0) }
        switch option.name {
        case "success", "denial":
            // The first number is how many; the cache is bounded in bytes.
            guard (1...3).contains(numbers.count), !numbers.contains(nil) else {
                return pass(option.place, "cache: \(option.name) is followed by one to three numbers")
            }
            let ttl = numbers.count > 1 ? numbers[1] : nil
            let minimum = numbers.count > 2 ? numbers[2] : nil
            if option.name == "success" {
                limits.positiveTTL = ttl ?? limits.positiveTTL
                limits.minimumPositiveTTL = minimum ?? limits.minimumPositiveTTL
            } else {
                limits.negativeTTL = ttl ?? limits.negativeTTL
                limits.minimumNegativeTTL = minimum ?? limits.minimumNegativeTTL
            }
        case "prefetch":
            guard let amount = numbers.first ?? nil else {
                return pass(option.place, "cache: prefetch needs a number of questions")
            }
            limits.prefetchAfter = amount
            if let last = option.arguments.last, last.hasSuffix("%") {
                guard let percentage = UInt32(last.dropLast()), (10...90).contains(percentage) else {
                    return pass(option.place, "cache: prefetch takes 10% to 90%")
                }
                limits.prefetchPercentage = percentage
            }
        case "serve_stale":
            let text = option.arguments.first
            let time = text.map { GoDuration.parse($0) } ?? 3_600_000_000_000
            guard let time, let seconds = UInt32(exactly: time / 1_000_000_000) else {
                return pass(option.place, "cache: serve_stale takes a time such as 1h")
            }
            limits.staleFor = seconds
            if option.arguments.last == "immediate" {
                pass(option.place, "cache: an answer that is out of date is given when nobody else answers")
            }
        case "servfail":
            if option.arguments.first.flatMap({ GoDuration.parse($0) }) != 5_000_000_000 {
                pass(option.place, "cache: servfail: a failure is remembered for 5 seconds")
            }
        case "disable":
            guard let kind = option.arguments.first, kind == "success" || kind == "denial" else {
                return pass(option.place, "cache: disable is followed by success or denial")
            }
            for text in option.arguments.count > 1 ? option.arguments.dropFirst() : ["."] {
                guard let name = try? DomainName(text) else {
                    pass(option.place, "cache: disable: \(text) is no zone")
                    continue
                }
                // Of several zones of one block each says the same.
                if !uncached.contains(where: { $0 == (option.place, name) }) { uncached.append((option.place, name)) }
            }
        case "keepttl": pass(option.place, "cache: keepttl: the TTL of a kept answer runs down")
        default: pass(option.place, "cache: there is no option \(option.name) here")
        }
    }

    /// What is to be said when all blocks are read.
    mutating func tellAboutCache() {
        // The names of the cluster are never cached.
        let never = clusterLine == nil ? [] : [cluster.domain]
        for (place, zone) in uncached where !never.contains(where: { zone.isWithin($0) }) {
            pass(place, "cache: disable: what is known of \(zone) is kept all the same")
        }
        guard let cacheLine else { return }
        let others = policy.blocks.map(\.zone).filter { zone in
            !cachedZones.contains(zone) && policy.forwardedZones.contains { $0.name == zone && !$0.isClosed }
        }
        for zone in others { pass(cacheLine, "cache: there is one for every block, that of \(zone) too") }
    }
}
