import KubeModel

/// Turns happenings into writes of Event objects: repeats raise the count of one Event, and an object that causes too
/// many is muted for a while (client-go `tools/record`, with its defaults).
struct EventCorrelator: Sendable {
    /// Something to tell about an object.
    struct Happening: Hashable, Sendable {
        var about: ObjectReference
        var type: EventType
        var reason: String
        var message: String
    }

    enum Write: Sendable, Equatable {
        case create(Event)
        /// Sets count, message and last time of an Event that exists.
        case raise(NamespacedName, count: Int, message: String, last: Timestamp, event: Event)
    }

    /// Happenings that differ only in their message are combined after this many within `combineWindow`.
    static let combineAfter = 10
    static let combineWindow: Int64 = 600
    /// An object may cause this many at once, and one more every `refillSeconds`.
    static let burst = 25
    static let refillSeconds: Int64 = 300
    /// What is remembered at most; the oldest goes first.
    static let capacity = 4096

    private struct Known: Sendable {
        var event: Event
        var count: Int
        var last: Int64
    }

    private struct Group: Hashable, Sendable {
        var about: ObjectReference
        var type: EventType
        var reason: String
    }

    private struct Variety: Sendable {
        var messages: Set<String> = []
        var last: Int64
    }

    private struct Allowance: Sendable {
        var tokens: Int
        var refilled: Int64
    }

    private let component: String
    private let instance: String
    private var known: [Happening: Known] = [:]
    private var varieties: [Group: Variety] = [:]
    private var allowances: [ObjectReference: Allowance] = [:]

    init(component: String, instance: String) {
        self.component = component
        self.instance = instance
    }

    /// The write for a happening; nil when its object is muted.
    ///
    /// - Parameter nonce: makes the name of a new Event unique.
    mutating func write(for happening: Happening, now: MicroTime, nonce: UInt64) -> Write? {
        let seconds = now.timestamp.secondsSinceEpoch
        forgetOld(seconds)
        guard spend(happening.about, seconds) else { return nil }
        let key = combined(happening, seconds)
        if var known = known[key] {
            known.count += 1
            known.last = seconds
            self.known[key] = known
            let namespace = known.event.metadata.namespace ?? "default"
            var event = known.event
            event.count = known.count
            event.lastTimestamp = now.timestamp
            event.message = key.message == Self.combinedKey ? Self.prefix + happening.message : happening.message
            return .raise(
                NamespacedName(namespace: namespace, name: known.event.metadata.name ?? ""), count: known.count,
                message: event.message ?? "", last: now.timestamp, event: event)
        }
        let namespace = happening.about.namespace.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
        let message = key.message == Self.combinedKey ? Self.prefix + happening.message : happening.message
        let event = Event(
            metadata: ObjectMeta(
                name: "\(happening.about.name ?? "object").\(String(nonce, radix: 16))", namespace: namespace),
            involvedObject: happening.about, reason: happening.reason, message: message,
            source: EventSource(component: component), firstTimestamp: now.timestamp, lastTimestamp: now.timestamp,
            count: 1, type: happening.type.rawValue, reportingComponent: component, reportingInstance: instance)
        known[key] = Known(event: event, count: 1, last: seconds)
        return .create(event)
    }

    /// The Event of an earlier happening is gone from the server: the next one creates it anew.
    mutating func forget(_ name: NamespacedName) {
        known = known.filter { NamespacedName($0.value.event.metadata) != name }
    }

    private static let combinedKey = "\u{0}combined"
    private static let prefix = "(combined from similar events): "

    private mutating func combined(_ happening: Happening, _ now: Int64) -> Happening {
        let group = Group(about: happening.about, type: happening.type, reason: happening.reason)
        var variety = varieties[group] ?? Variety(last: now)
        if now - variety.last > Self.combineWindow { variety.messages = [] }
        variety.last = now
        if variety.messages.count < Self.combineAfter { variety.messages.insert(happening.message) }
        varieties[group] = variety
        guard variety.messages.count >= Self.combineAfter, known[happening] == nil else { return happening }
        var combined = happening
        combined.message = Self.combinedKey
        return combined
    }

    private mutating func spend(_ about: ObjectReference, _ now: Int64) -> Bool {
        var allowance = allowances[about] ?? Allowance(tokens: Self.burst, refilled: now)
        let refills = max(0, (now - allowance.refilled) / Self.refillSeconds)
        allowance.tokens = min(Self.burst, allowance.tokens + Int(refills))
        allowance.refilled += refills * Self.refillSeconds
        defer { allowances[about] = allowance }
        guard allowance.tokens > 0 else { return false }
        allowance.tokens -= 1
        return true
    }

    private mutating func forgetOld(_ now: Int64) {
        guard known.count > Self.capacity || varieties.count > Self.capacity || allowances.count > Self.capacity else {
            return
        }
        known = known.filter { now - $0.value.last <= Self.combineWindow }
        varieties = varieties.filter { now - $0.value.last <= Self.combineWindow }
        allowances = allowances.filter { now - $0.value.refilled <= Self.refillSeconds }
        // Everything is recent: begin again rather than grow.
        if known.count > Self.capacity { known = [:] }
        if varieties.count > Self.capacity { varieties = [:] }
        if allowances.count > Self.capacity { allowances = [:] }
    }
}
