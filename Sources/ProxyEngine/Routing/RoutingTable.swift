internal import Glibc

/// Hosts and routes compiled into flat, index-linked arrays: two hash tables over one arena of bytes.
///
/// Built once for a configuration and never changed, so every loop reads the same instance without a lock. A lookup
/// touches no reference count and allocates nothing.
final class RoutingTable: Sendable {
    /// What a request was matched with.
    struct Match: BitwiseCopyable, Equatable {
        /// Index of the upstream, or -1: no route and no default, answered with 404; ``closed`` or ``tooLong``.
        var upstream: Int32
        /// Index into the configuration's route list (for counters), or -1 for a default backend.
        var route: Int32
        /// Index of the virtual host, or -1.
        var host: Int32
        var redirectsToHTTPS: Bool
        /// Index into ``canaries``, or -1.
        var canary: Int32 = -1
        /// Index into ``filters``, or -1.
        var filters: Int32 = -1
        /// Index into the configuration's policies for certificates of clients, or -1.
        var certificateRule: Int32 = -1
        /// Index of the pattern that rewrites the target, or -1.
        var rewrite: Int32 = -1

        /// The ``upstream`` of a route that is not served.
        static var closed: Int32 { -2 }
        /// The ``upstream`` of a path that is too long for the patterns of its host: answered with 414.
        static var tooLong: Int32 { -3 }
    }

    /// Who takes part of a route's requests.
    struct Canary: Sendable {
        var rule: CanaryRule
        /// There when the rule has one.
        var pattern: HeaderPattern?
        var upstream: Int32
    }

    struct Host: BitwiseCopyable {
        var hash: UInt64 = 0
        var nameOffset: Int32 = 0
        var nameCount: Int32 = 0
        var isWildcard = false
        var hasExactRoutes = false
        var redirectsToHTTPS = false
        /// Elements of the longest prefix: deeper boundaries of a request path need not be looked at.
        var deepestPrefix: Int32 = 0
        var defaultUpstream: Int32 = -1
        var defaultFilters: Int32 = -1
        var certificateRule: Int32 = -1
        /// Into ``patternRoutes``.
        var firstPattern: Int32 = 0
        var patternCount: Int32 = 0
    }

    struct Route: BitwiseCopyable {
        var hash: UInt64 = 0
        var pathOffset: Int32 = 0
        var pathCount: Int32 = 0
        var host: Int32 = 0
        var isExact = false
        /// Found through ``patternRoutes`` alone.
        var isPattern = false
        var upstream: Int32 = 0
        var canary: Int32 = -1
        var filters: Int32 = -1
        var certificateRule: Int32 = -1
    }

    // Safe to share: written in the initialiser only.
    nonisolated(unsafe) private let text: UnsafeMutablePointer<UInt8>
    nonisolated(unsafe) private let hosts: UnsafeMutablePointer<Host>
    nonisolated(unsafe) private let routes: UnsafeMutablePointer<Route>
    /// Open addressing: index + 1, 0 is empty. Powers of two, at most half full.
    nonisolated(unsafe) private let hostSlots: UnsafeMutablePointer<Int32>
    nonisolated(unsafe) private let routeSlots: UnsafeMutablePointer<Int32>
    private let hostMask: Int
    private let routeMask: Int
    private let anyHost: Int32
    private let defaultUpstream: Int32
    private let defaultFilters: Int32
    private let defaultCertificateRule: Int32
    let hostCount: Int
    let routeCount: Int

    /// Which configured route each compiled one came from: `(host, route)` of the configuration, for naming counters.
    let origins: [(host: Int, route: Int)]
    let canaries: [Canary]
    let filters: [FilterChain]
    /// By their sources.
    let patterns: [String: HeaderPattern]
    let patternRoutes: PatternRoutes
    /// By the index of a pattern's route, of those that have one.
    let rewrites: [Int32: TargetRewrite]

    /// - Parameters:
    ///   - patterns: that were compiled before.
    ///   - programs: of paths, likewise.
    init(
        _ configuration: ProxyConfiguration, patterns: [String: HeaderPattern] = [:],
        programs: [String: PathProgram] = [:]
    ) {
        var builder = RoutingTableBuilder(knownPatterns: patterns)
        for (index, host) in configuration.hosts.enumerated() { builder.add(host, origin: index) }
        defaultFilters = builder.add(configuration.defaultFilters)
        filters = builder.filters
        patternRoutes = builder.freezePatterns(known: programs)
        rewrites = builder.rewrites
        text = .allocate(capacity: max(1, builder.text.count))
        text.initialize(from: builder.text, count: builder.text.count)
        hosts = .allocate(capacity: max(1, builder.hosts.count))
        hosts.initialize(from: builder.hosts, count: builder.hosts.count)
        routes = .allocate(capacity: max(1, builder.routes.count))
        routes.initialize(from: builder.routes, count: builder.routes.count)
        hostCount = builder.hosts.count
        routeCount = builder.routes.count
        origins = builder.origins
        canaries = builder.canaries
        self.patterns = builder.patterns
        anyHost = builder.anyHost
        defaultUpstream = Int32(configuration.defaultUpstream ?? -1)
        defaultCertificateRule = Int32(configuration.defaultClientCertificates ?? -1)

        let hostCapacity = Self.tableCapacity(hostCount)
        hostMask = hostCapacity - 1
        hostSlots = .allocate(capacity: hostCapacity)
        hostSlots.initialize(repeating: 0, count: hostCapacity)
        for index in 0..<hostCount where Int32(index) != anyHost {
            Self.insert(Int32(index), hosts[index].hash, into: hostSlots, mask: hostMask)
        }
        let routeCapacity = Self.tableCapacity(routeCount)
        routeMask = routeCapacity - 1
        routeSlots = .allocate(capacity: routeCapacity)
        routeSlots.initialize(repeating: 0, count: routeCapacity)
        for index in 0..<routeCount where !routes[index].isPattern {
            Self.insert(Int32(index), routes[index].hash, into: routeSlots, mask: routeMask)
        }
    }

    deinit {
        text.deallocate()
        hosts.deallocate()
        routes.deallocate()
        hostSlots.deallocate()
        routeSlots.deallocate()
    }

    /// Finds the route for a host name (lowercase or not, without port) and a normalised path.
    ///
    /// An exact host wins over a wildcard, that over ``HostPattern/any``; within the host an Exact path wins over the
    /// longest Prefix. A host that matches without a matching path is not given up for a less specific one.
    func match(
        host: UnsafePointer<UInt8>, _ hostCount: Int, path: UnsafePointer<UInt8>, _ pathCount: Int
    ) -> Match {
        let hostIndex = findHost(host, hostCount)
        guard hostIndex >= 0 else {
            return Match(
                upstream: defaultUpstream, route: -1, host: -1, redirectsToHTTPS: false, filters: defaultFilters,
                certificateRule: defaultCertificateRule)
        }
        let record = hosts + Int(hostIndex)
        if record.pointee.patternCount > 0 { return matchPattern(record, hostIndex, path, pathCount) }
        let route = findRoute(record, hostIndex, path, pathCount)
        var upstream = defaultUpstream
        var canary: Int32 = -1
        var filters = defaultFilters
        var certificateRule = record.pointee.certificateRule
        if route >= 0 {
            certificateRule = routes[Int(route)].certificateRule
            upstream = routes[Int(route)].upstream
            canary = routes[Int(route)].canary
            filters = routes[Int(route)].filters
        } else if record.pointee.defaultUpstream >= 0 {
            upstream = record.pointee.defaultUpstream
            filters = record.pointee.defaultFilters
        } else if certificateRule < 0 {
            certificateRule = defaultCertificateRule
        }
        return Match(
            upstream: upstream, route: route, host: hostIndex, redirectsToHTTPS: record.pointee.redirectsToHTTPS,
            canary: canary, filters: filters, certificateRule: certificateRule)
    }

    /// As ``match(host:_:path:_:)``, for a host with patterns.
    private func matchPattern(
        _ host: UnsafePointer<Host>, _ hostIndex: Int32, _ path: UnsafePointer<UInt8>, _ count: Int
    ) -> Match {
        var match = Match(
            upstream: defaultUpstream, route: -1, host: hostIndex, redirectsToHTTPS: host.pointee.redirectsToHTTPS,
            filters: defaultFilters, certificateRule: host.pointee.certificateRule)
        if host.pointee.defaultUpstream >= 0 {
            match.upstream = host.pointee.defaultUpstream
            match.filters = host.pointee.defaultFilters
        } else if match.certificateRule < 0 {
            match.certificateRule = defaultCertificateRule
        }
        match.route = findRoute(host, hostIndex, path, count)
        if match.route < 0 || !routes[Int(match.route)].isExact {
            let found = patternRoutes.find(host.pointee.firstPattern, host.pointee.patternCount, path, count)
            if found == PatternRoutes.tooMuchWork {
                match.route = -1
                match.upstream = Match.tooLong
                return match
            }
            if found >= 0 {
                let entry = patternRoutes.entries[Int(found)]
                match.route = entry.route
                guard entry.program != nil else {
                    match.upstream = Match.closed
                    return match
                }
                if rewrites[entry.route] != nil { match.rewrite = found }
            }
        }
        guard match.route >= 0 else { return match }
        match.upstream = routes[Int(match.route)].upstream
        match.canary = routes[Int(match.route)].canary
        match.filters = routes[Int(match.route)].filters
        match.certificateRule = routes[Int(match.route)].certificateRule
        return match
    }

    private func findHost(_ name: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
        var hash = PathHash.seed
        var firstDot = -1
        for index in 0..<count {
            let byte = name[index]
            if byte == 0x2E, firstDot < 0 { firstDot = index }
            hash = PathHash.step(hash, byte.asciiLowercased)
        }
        let exact = findHost(name, count, hash, isWildcard: false)
        if exact >= 0 { return exact }
        if firstDot > 0, firstDot + 1 < count {
            let suffix = name + firstDot + 1
            let suffixCount = count - firstDot - 1
            var suffixHash = PathHash.wildcardSeed
            for index in 0..<suffixCount { suffixHash = PathHash.step(suffixHash, suffix[index].asciiLowercased) }
            let wildcard = findHost(suffix, suffixCount, suffixHash, isWildcard: true)
            if wildcard >= 0 { return wildcard }
        }
        return anyHost
    }

    private func findHost(_ name: UnsafePointer<UInt8>, _ count: Int, _ hash: UInt64, isWildcard: Bool) -> Int32 {
        var slot = PathHash.slot(hash, hostMask)
        while hostSlots[slot] != 0 {
            let index = hostSlots[slot] - 1
            let host = hosts + Int(index)
            if host.pointee.hash == hash, host.pointee.isWildcard == isWildcard,
                Int(host.pointee.nameCount) == count,
                PathHash.equalsLowercased(text + Int(host.pointee.nameOffset), name, count)
            {
                return index
            }
            slot = (slot + 1) & hostMask
        }
        return -1
    }

    private func findRoute(
        _ host: UnsafePointer<Host>, _ hostIndex: Int32, _ path: UnsafePointer<UInt8>, _ count: Int
    ) -> Int32 {
        if host.pointee.hasExactRoutes {
            var hash = PathHash.route(hostIndex, isExact: true)
            for index in 0..<count { hash = PathHash.step(hash, path[index]) }
            let route = findRoute(hostIndex, isExact: true, path, count, hash)
            if route >= 0 { return route }
        }
        guard host.pointee.deepestPrefix >= 0 else { return -1 }
        // One pass: at every element boundary the hash so far is the hash of a candidate prefix.
        var best: Int32 = -1
        var hash = PathHash.route(hostIndex, isExact: false)
        var boundaries: Int32 = 0
        var index = 0
        while index <= count {
            if index == count || path[index] == 0x2F {
                let route = findRoute(hostIndex, isExact: false, path, index, hash)
                if route >= 0 { best = route }
                boundaries += 1
                if boundaries > host.pointee.deepestPrefix || index == count { break }
            }
            hash = PathHash.step(hash, path[index])
            index += 1
        }
        return best
    }

    private func findRoute(
        _ host: Int32, isExact: Bool, _ path: UnsafePointer<UInt8>, _ count: Int, _ hash: UInt64
    ) -> Int32 {
        var slot = PathHash.slot(hash, routeMask)
        while routeSlots[slot] != 0 {
            let index = routeSlots[slot] - 1
            let route = routes + Int(index)
            if route.pointee.hash == hash, route.pointee.host == host, route.pointee.isExact == isExact,
                Int(route.pointee.pathCount) == count,
                memcmp(text + Int(route.pointee.pathOffset), path, count) == 0
            {
                return index
            }
            slot = (slot + 1) & routeMask
        }
        return -1
    }

    private static func tableCapacity(_ count: Int) -> Int {
        var capacity = 8
        while capacity < count * 2 { capacity *= 2 }
        return capacity
    }

    private static func insert(_ index: Int32, _ hash: UInt64, into slots: UnsafeMutablePointer<Int32>, mask: Int) {
        var slot = PathHash.slot(hash, mask)
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = index + 1
    }
}
