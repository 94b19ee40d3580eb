/// What one loop counted. Every label is of a fixed set, whatever clients send.
package struct AnswerAccounts: Hashable, Sendable {
    /// The types that CoreDNS counts on their own; every other one is `other`.
    package static let types: [RecordType] = [
        .a, .aaaa, .srv, .ptr, .cname, .txt, .ns, .soa, .mx, .naptr, .ds, .dnskey, .rrsig, .https, .svcb, .any, .axfr,
        .ixfr, .nsec, .nsec3,
    ]
    /// The codes that are counted on their own; the last place is for the rest.
    package static let codes: [ResponseCode] = [
        .noError, .formatError, .serverFailure, .nameError, .notImplemented, .refused, .badVersion,
    ]
    /// Upper bounds of the duration buckets in seconds, those of CoreDNS.
    package static let durations: [Double] = [
        0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096,
        8.192,
    ]

    /// Upper bounds of the buckets for the sizes of messages, in bytes, those of CoreDNS.
    package static let sizes: [Double] = [
        0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000,
    ]

    /// The sizes of messages over one transport.
    package struct Sizes: Hashable, Sendable {
        package var counts = [UInt64](repeating: 0, count: AnswerAccounts.sizes.count + 1)
        package var sum: UInt64 = 0

        mutating func count(_ size: Int) {
            let bytes = Double(size)
            counts[AnswerAccounts.sizes.firstIndex { bytes <= $0 } ?? AnswerAccounts.sizes.count] += 1
            sum += UInt64(size)
        }

        mutating func add(_ other: Sizes) {
            for index in counts.indices { counts[index] += other.counts[index] }
            sum += other.sum
        }
    }

    /// By transport (UDP, TCP), family (4, 6) and place in `types`, the last one for others.
    package var requests = [UInt64](repeating: 0, count: 4 * (AnswerAccounts.types.count + 1))
    package var responses = [UInt64](repeating: 0, count: AnswerAccounts.codes.count + 1)
    /// By transport (UDP, TCP).
    package var requestSizes = [Sizes(), Sizes()]
    package var responseSizes = [Sizes(), Sizes()]
    /// Requests for signatures (DO).
    package var signed: UInt64 = 0
    package var durationCounts = [UInt64](repeating: 0, count: AnswerAccounts.durations.count + 1)
    package var durationSum = 0.0
    package var cacheHits: UInt64 = 0
    package var cacheDenialHits: UInt64 = 0
    package var cacheMisses: UInt64 = 0
    package var cachePrefetches: UInt64 = 0
    package var cacheStaleAnswers: UInt64 = 0
    /// From networks that are not answered.
    package var strangers: UInt64 = 0
    /// Left out or cut short by the rate limit.
    package var rateLimited: UInt64 = 0
    /// Datagrams and frames that could not be answered at all.
    package var unanswerable: UInt64 = 0

    package init() {}

    mutating func countRequest(_ type: RecordType, isStream: Bool, isV6: Bool) {
        let place = Self.types.firstIndex(of: type) ?? Self.types.count
        requests[((isStream ? 2 : 0) + (isV6 ? 1 : 0)) * (Self.types.count + 1) + place] += 1
    }

    mutating func countResponse(_ code: ResponseCode) {
        responses[Self.codes.firstIndex(of: code) ?? Self.codes.count] += 1
    }

    package mutating func countDuration(nanoseconds: UInt64, times: UInt64 = 1) {
        let seconds = Double(nanoseconds) / 1e9
        durationCounts[Self.durations.firstIndex { seconds <= $0 } ?? Self.durations.count] += times
        durationSum += seconds * Double(times)
    }

    package mutating func add(_ other: AnswerAccounts) {
        for index in requests.indices { requests[index] += other.requests[index] }
        for index in responses.indices { responses[index] += other.responses[index] }
        for index in durationCounts.indices { durationCounts[index] += other.durationCounts[index] }
        durationSum += other.durationSum
        for index in requestSizes.indices {
            requestSizes[index].add(other.requestSizes[index])
            responseSizes[index].add(other.responseSizes[index])
        }
        for path in [
            \AnswerAccounts.cacheHits, \.signed, \.cacheDenialHits, \.cacheMisses,
            \.cachePrefetches, \.cacheStaleAnswers, \.strangers, \.rateLimited, \.unanswerable,
        ] { self[keyPath: path] += other[keyPath: path] }
    }
}
