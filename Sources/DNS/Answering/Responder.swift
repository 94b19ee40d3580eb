package import NetworkTypes

/// Answers queries from zone data and the cache, or says what has to be asked elsewhere first. One for each loop, around
/// one cache; pure otherwise: bytes and the time come in, bytes go out. Nothing is allocated to answer from zone data, be it a denial.
package struct Responder: Sendable {
    package struct Client: Hashable, Sendable {
        package var ip: IPAddress
        /// TCP: its address is its own, and answers may be long.
        package var isStream: Bool

        package init(ip: IPAddress, isStream: Bool) {
            self.ip = ip
            self.isStream = isStream
        }
    }

    package struct Moment: Hashable, Sendable {
        /// Seconds of a monotonic clock.
        package var monotonic: UInt32
        /// Seconds since 1970, modulo 2^32.
        package var wall: UInt32

        package init(monotonic: UInt32, wall: UInt32) {
            self.monotonic = monotonic
            self.wall = wall
        }
    }

    package enum Outcome: Hashable, Sendable {
        /// The writer holds the answer. `refresh` is to be asked upstream although nobody waits for it.
        case answer(refresh: Lookup?)
        /// Nothing is sent.
        case drop
        /// Ask upstream, then call ``respond(to:from:at:given:into:)`` again with what came. `hasStale` says that an answer
        /// out of date is at hand, which is given where nothing comes.
        case resolve(Lookup, hasStale: Bool)
    }

    /// What came of asking upstream.
    package enum Resolution: Hashable, Sendable {
        case answer(UpstreamAnswer)
        /// Nobody answered, or too much is being asked already.
        case failed
    }

    /// CNAMEs followed for one answer.
    static let chainLimit = 8

    package var data = ZoneData()
    package private(set) var policy = AnswerPolicy()
    package let cache: SharedAnswerCache
    package var accounts = AnswerAccounts()
    private var rateLimit: ResponseRateLimit
    private var nearRateLimit: ResponseRateLimit
    private let cookies: ServerCookie
    var name = WireName()
    var rotation: UInt32 = 0
    /// Whether what the last call answered is to be told about, and how.
    package private(set) var log: QueryLogFilter?

    /// - Parameters:
    ///   - cookies: Shared by the loops of a server, so that each takes the other's.
    ///   - cache: Shared by them too; nil for one of its own.
    package init(
        cookies: ServerCookie = ServerCookie(), cache: SharedAnswerCache? = nil,
        seed: UInt64 = .random(in: 0 ... .max)
    ) {
        self.cookies = cookies
        self.cache = cache ?? SharedAnswerCache(seed: seed)
        rateLimit = ResponseRateLimit(seed: seed)
        nearRateLimit = ResponseRateLimit(rate: AnswerPolicy().nearRateLimit, seed: seed)
    }

    /// The limits of the cache in it are those of the whole cache.
    package mutating func setPolicy(_ policy: AnswerPolicy) {
        self.policy = policy
        rateLimit.rate = policy.rateLimit
        nearRateLimit.rate = policy.nearRateLimit
        cache.setLimits(policy.cache)
    }

    /// Answers one message. `writer` is emptied first, and holds an answer only where the outcome says so.
    ///
    /// - Parameter given: What the question that an earlier call named was answered with; that call's message is given
    ///   again.
    package mutating func respond(
        to message: Span<UInt8>, from client: Client, at now: Moment, given resolution: Resolution? = nil,
        into writer: inout MessageWriter
    ) -> Outcome {
        log = nil
        let standing = policy.access.standing(of: client.ip)
        guard standing != .stranger || client.isStream else {
            accounts.strangers += 1
            return .drop
        }
        let query: QueryMessage
        var refusal: ResponseCode?
        switch QueryMessage.read(message, name: &name) {
        case .unanswerable:
            accounts.unanswerable += 1
            return .drop
        case .refused(let read, let code): (query, refusal) = (read, code)
        case .query(let read): query = read
        }
        if standing == .stranger {
            accounts.strangers += 1
            refusal = .refused
        }
        if resolution == nil {
            accounts.countRequest(
                query.type, isStream: client.isStream, isV6: client.ip.family == .v6)
            accounts.requestSizes[client.isStream ? 1 : 0].count(message.count)
            if query.edns?.wantsSignatures == true { accounts.signed += 1 }
        }
        var reply = Reply(query, message, isStream: client.isStream, limit: policy.payloadSize, &writer)
        var hasValidCookie = false
        if let cookie = query.edns?.cookie {
            hasValidCookie = cookies.isValid(message, cookie, client: client.ip, now: now.wall)
        }
        // Over TCP, and with a cookie that was made for it, the address is the asker's own.
        if !client.isStream, !hasValidCookie, resolution == nil {
            switch rate(of: standing, client.ip, now) {
            case .answer: break
            case .answerShort:
                accounts.rateLimited += 1
                reply.isTruncated = true
                finish(&reply, query, message, client, now, &writer)
                return .answer(refresh: nil)
            case .drop:
                accounts.rateLimited += 1
                return .drop
            }
        }
        var refresh: Lookup?
        if let refusal {
            reply.code = refusal
        } else if query.hasQuestion {
            let block = policy.blocks.isEmpty ? nil : policy.blocks.index(for: name)
            // Looked at where it lies: a copy of the block would count references that all loops share.
            if let block, let filter = policy.blocks[block].log, filter.covers(name) { log = filter }
            if let code = Self.refusal(of: query) {
                reply.code = code
            } else if let action = block.flatMap({ access(to: $0, query.type, client.ip) }), action != .allow {
                if action == .drop { return .drop }
                if action == .block { reply.code = .refused }
            } else if let needed = answer(query, block, now, resolution, &reply, &refresh, &writer) {
                return .resolve(needed.lookup, hasStale: needed.hasStale)
            }
        }
        finish(&reply, query, message, client, now, &writer)
        return .answer(refresh: refresh)
    }

    /// What a block's lists say of a question; nil where nothing.
    private func access(to block: Int, _ type: RecordType, _ ip: IPAddress) -> AccessList.Action? {
        guard !policy.blocks[block].access.isEmpty else { return nil }
        let ip = ip.mappedV4 ?? ip
        return policy.blocks[block].access.lazy.compactMap { $0.action(name, type, ip) }.first
    }

    private mutating func rate(
        of standing: ClientAccess.Standing, _ ip: IPAddress, _ now: Moment
    ) -> ResponseRateLimit.Decision {
        switch standing {
        case .trusted, .stranger: .answer
        case .near: nearRateLimit.decide(ip, now: now.monotonic)
        case .limited: rateLimit.decide(ip, now: now.monotonic)
        }
    }

    /// The code for questions that nobody answers here: classes other than IN, transfers, and types that are none.
    private static func refusal(of query: QueryMessage) -> ResponseCode? {
        if query.recordClass != 1 { return .refused }
        if query.type == .any { return nil }
        if query.type == .axfr || query.type == .ixfr { return .refused }
        return query.type.isMeta ? .notImplemented : nil
    }

    /// Looks in what is known, then in the cache. Returns what has to be asked elsewhere.
    private mutating func answer(
        _ query: QueryMessage, _ block: Int?, _ now: Moment, _ resolution: Resolution?, _ reply: inout Reply,
        _ refresh: inout Lookup?, _ writer: inout MessageWriter
    ) -> Needed? {
        guard let index = block else {
            return answer(query.type, nil, query, now, resolution, &reply, &refresh, &writer)
        }
        guard !policy.blocks[index].rewrites.isEmpty,
            let other = policy.blocks[index].rewrites.apply(to: name.name(), query.type)
        else {
            return answer(query.type, index, query, now, resolution, &reply, &refresh, &writer)
        }
        name = WireName(other.name)
        reply.isRewritten = true
        let needed = answer(other.type, index, query, now, resolution, &reply, &refresh, &writer)
        if needed == nil, !other.answerRules.isEmpty {
            rewriteAnswer(other.answerRules, from: query.questionEnd, &reply, &writer)
        }
        return needed
    }

    private mutating func answer(
        _ type: RecordType, _ block: Int?, _ query: QueryMessage, _ now: Moment, _ resolution: Resolution?,
        _ reply: inout Reply, _ refresh: inout Lookup?, _ writer: inout MessageWriter
    ) -> Needed? {
        let hasZones = policy.answersFromZones(inBlock: block)
        for _ in 0..<Self.chainLimit {
            if let block, answerFromHosts(ofBlock: block, type, &reply, &writer) { return nil }
            switch hasZones ? answerFromData(type, &reply, &writer) : .elsewhere {
            case .done: return nil
            case .follow: continue
            case .elsewhere:
                return answerFromElsewhere(type, query, now, resolution, &reply, &refresh, &writer)
            }
        }
        // The chain is too long, or a ring: what there is of it says so.
        reply.code = .serverFailure
        return nil
    }

    private mutating func answerFromElsewhere(
        _ type: RecordType, _ query: QueryMessage, _ now: Moment, _ resolution: Resolution?, _ reply: inout Reply,
        _ refresh: inout Lookup?, _ writer: inout MessageWriter
    ) -> Needed? {
        // The rest of a chain that began here is for the asker to follow where nobody is asked for it.
        let isForwarded = policy.isForwarded(name)
        guard isForwarded else {
            if reply.answers == 0 { reply.code = .refused }
            return nil
        }
        if type == .any {
            writeAnyAnswer(ttl: 3600, &reply, &writer)
            return nil
        }
        let wantsSignatures = query.edns?.wantsSignatures ?? false
        let kept = cache.find(
            name, type, wantsSignatures: wantsSignatures, isCheckingDisabled: query.isCheckingDisabled,
            now: now.monotonic
        ) { finding, part in
            answer(finding, of: part, resolution, &reply, &writer)
        }
        let hasStale = kept == .stale
        switch kept {
        case .answered(let isDue):
            if isDue {
                accounts.cachePrefetches += 1
                refresh = lookup(type, query)
            }
            return nil
        case .stale, .nothing: break
        }
        if case .answer(let answer) = resolution {
            append(answer.message, ttl: nil, &reply, &writer)
            return nil
        }
        if resolution == .failed {
            reply.code = .serverFailure
            return nil
        }
        guard query.isRecursionDesired else {
            if reply.answers == 0 { reply.code = .refused }
            return nil
        }
        accounts.cacheMisses += 1
        return Needed(lookup: lookup(type, query), hasStale: hasStale)
    }

    private enum Kept: Equatable {
        /// `isDue`: it is to be fetched anew.
        case answered(isDue: Bool)
        /// What is out of date is for later, if nobody else answers.
        case stale
        case nothing
    }

    private mutating func answer(
        _ finding: AnswerCache.Finding, of part: borrowing AnswerCache, _ resolution: Resolution?,
        _ reply: inout Reply, _ writer: inout MessageWriter
    ) -> Kept {
        switch finding {
        case .fresh(let slot, let ttl, let isDue):
            if resolution != nil {
                // Just fetched for this very asker.
            } else if part.isDenial(slot) {
                accounts.cacheDenialHits += 1
            } else {
                accounts.cacheHits += 1
            }
            append(part[message: slot], ttl: ttl, &reply, &writer)
            return .answered(isDue: isDue)
        case .stale(let slot) where resolution == .failed:
            accounts.cacheStaleAnswers += 1
            append(part[message: slot], ttl: AnswerCache.staleTTL, &reply, &writer)
            return .answered(isDue: false)
        case .stale: return .stale
        case .nothing: return .nothing
        }
    }

    private struct Needed {
        var lookup: Lookup
        var hasStale: Bool
    }

    private func lookup(_ type: RecordType, _ query: QueryMessage) -> Lookup {
        Lookup(
            name: name.name(), type: type, wantsSignatures: query.edns?.wantsSignatures ?? false,
            isCheckingDisabled: query.isCheckingDisabled)
    }

    private mutating func finish(
        _ reply: inout Reply, _ query: QueryMessage, _ message: Span<UInt8>, _ client: Client, _ now: Moment,
        _ writer: inout MessageWriter
    ) {
        reply.isRecursionAvailable = !policy.forwardedZones.isEmpty
        if let edns = query.edns {
            writer.release(Reply.extensionSize)
            writer.append(UInt8(0))
            writer.append(RecordType.opt.rawValue)
            writer.append(UInt16(policy.payloadSize))
            writer.append(UInt8(truncatingIfNeeded: reply.code.rawValue >> 4))
            writer.append(UInt8(0))
            writer.append(UInt16(edns.wantsSignatures ? 0x8000 : 0))
            if let cookie = edns.cookie {
                writer.append(UInt16(4 + ServerCookie.length))
                cookies.write(message, client: cookie.lowerBound, address: client.ip, now: now.wall, to: &writer)
            } else {
                writer.append(UInt16(0))
            }
            reply.additional += 1
        }
        reply.writeHeader(&writer)
        accounts.countResponse(reply.code)
        accounts.responseSizes[client.isStream ? 1 : 0].count(writer.count)
    }
}
