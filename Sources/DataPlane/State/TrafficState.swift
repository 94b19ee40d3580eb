import KubeClient
import KubeModel
import NetworkTypes
import Synchronization
import System
import TrafficModel

/// The objects that traffic depends on, kept up to date by informers, with one signal for each consumer.
///
/// Handlers of informers only update the value and raise the signals; planning and applying happen on the consumers'
/// own tasks, so that any number of changes in a burst costs one pass. Each signal has its own cost: `servicesChanged`
/// is for the enforcer of Services, `backendsChanged` for Services that a route names (see `follow`), `routesChanged`
/// alone means compiling routes.
final class TrafficState: Sendable {
    private struct Value {
        var services = ServiceTable()
        var queue = SyncQueue(started: SystemClock.microsecondsSinceEpoch)
        var tables: [NamespacedName: RouteTable] = [:]
        var secrets: [NamespacedName: TLSSecret] = [:]
        /// Those that routes name for something else, nil for one that is missing.
        var named: [NamespacedName: NamedSecret?] = [:]
        /// The backends that routes name, by Service.
        var followed: [NamespacedName: [ServiceBackend]] = [:]
        var changedFollowed: Set<NamespacedName> = []
        /// The Services that have a port for health checks.
        var healthChecked: Set<NamespacedName> = []
        /// The Services whose names may have changed, each with its state of before; nil while nobody wants to know.
        var renamed: [NamespacedName: NameSource?]?
        /// When the changes happened that slices of those answer, by slice, in microseconds since 1970: the earliest of each.
        var nameTriggers: [NamespacedName: Int64] = [:]

        mutating func noteNames(_ keys: NamespacedName?...) {
            for case let key? in keys where renamed?.keys.contains(key) == false {
                let source = nameSource(of: key)
                renamed?[key] = .some(source)
            }
        }

        /// A slice of these Services changes, which only a headless one has names of.
        mutating func noteNames(of slice: NamespacedName, trigger: Int64?, ofServices keys: NamespacedName?...) {
            for case let key? in keys where services[key]?.form == .headless {
                noteNames(key)
                guard renamed != nil, let trigger else { continue }
                nameTriggers[slice] = min(nameTriggers[slice] ?? trigger, trigger)
            }
        }

        func nameSource(of key: NamespacedName) -> NameSource? {
            services[key].map { NameSource(service: $0, slices: services.slices(of: key)) }
        }
    }

    private let value = Mutex(Value())
    /// Where certificates of Secrets that turned bad outlive this process; nil for nowhere.
    private let lastGood: LastGoodCertificates?
    let servicesChanged = ChangeSignal()
    let backendsChanged = ChangeSignal()
    let routesChanged = ChangeSignal()
    let healthChecksChanged = ChangeSignal()
    let namesChanged = ChangeSignal()
    let apiServersChanged = ChangeSignal()

    init(lastGood: LastGoodCertificates? = nil) { self.lastGood = lastGood }

    // MARK: For the enforcer of Services

    /// Which Services the enforcer is to look at again although they did not change.
    enum Repetition {
        case none
        case of(Set<NamespacedName>)
        case ofAll
    }

    /// The Services that changed since the last call, with when that happened which the changes answer, in microseconds
    /// since 1970.
    ///
    /// Those to be repeated come as they are at this moment, and count as seen: one that is again what it was at the last call
    /// is left out of the next, which would be wrong had the enforcer learned of a state in between.
    func takeServiceChanges(repeating repetition: Repetition = .none) -> (changes: [ServiceChange], triggers: [Int64]) {
        value.withLock { value in
            var changes = value.services.takeChanges()
            let changed = Set(changes.map(\.key))
            let repeated: Set<NamespacedName> =
                switch repetition {
                case .none: []
                case .of(let keys): keys
                case .ofAll: Set(value.services.entries.map(\.key))
                }
            for key in repeated where !changed.contains(key) {
                let entry = value.services[key]
                changes.append(ServiceChange(key: key, before: entry, after: entry))
            }
            if !repeated.isEmpty { changes.sort { $0.key < $1.key } }
            return (changes, value.queue.take())
        }
    }

    /// What was taken is in effect.
    func finishServiceChanges() { value.withLock { $0.queue.finish() } }

    /// What is still to be enforced.
    var queue: SyncQueue { value.withLock { $0.queue } }

    func services() -> [NamespacedName: ServiceEntry] {
        value.withLock { value in
            Dictionary(value.services.entries.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        }
    }

    func service(_ key: NamespacedName) -> ServiceEntry? { value.withLock { $0.services[key] } }

    func slices(of key: NamespacedName) -> [EndpointSliceEntry] { value.withLock { $0.services.slices(of: key) } }

    /// The API server's own Service.
    static let apiServerService = NamespacedName(namespace: "default", name: "kubernetes")

    /// Where the Service `kubernetes` says that API servers listen.
    var apiServers: [SocketAddress] {
        slices(of: Self.apiServerService).flatMap { slice in
            slice.ports.filter { $0.transport == .tcp }.compactMap(\.number).flatMap { port in
                slice.endpoints.map { SocketAddress(ip: $0.address.ip, port: port) }
            }
        }
    }

    // MARK: For health checks from outside

    /// The Services that have a port for them.
    func healthCheckedServices() -> [ServiceEntry] {
        value.withLock { value in value.healthChecked.compactMap { value.services[$0] } }
    }

    // MARK: For DNS

    /// What names are made of now. From now on `namesChanged` tells of changes.
    func followNames() -> [NameSource] {
        value.withLock { value in
            (value.renamed, value.nameTriggers) = ([:], [:])
            return value.services.entries.compactMap { value.nameSource(of: $0.key) }
        }
    }

    /// The Services whose names may have changed since the last call, as they were and as they are, and when that happened
    /// which slices among them answer.
    func takeNameChanges() -> (changes: [(before: NameSource?, after: NameSource?)], triggers: [Int64]) {
        value.withLock { value in
            guard let renamed = value.renamed else { return ([], []) }
            let triggers = Array(value.nameTriggers.values)
            (value.renamed, value.nameTriggers) = ([:], [:])
            return (renamed.map { ($0.value, value.nameSource(of: $0.key)) }, triggers)
        }
    }

    // MARK: For the L7 front

    /// What routes are compiled from.
    func routingInputs() -> (tables: [RouteTable], secrets: [NamespacedName: TLSSecret]) {
        value.withLock { (Array($0.tables.values), $0.secrets) }
    }

    /// The Secrets that RouteTables name beside their certificates.
    var wantedNamedSecrets: Set<NamespacedName> {
        value.withLock { value in
            value.tables.values.reduce(into: []) { $0.formUnion($1.namedSecrets) }
        }
    }

    /// What is known of these.
    var namedSecrets: [NamespacedName: NamedSecret] {
        value.withLock { $0.named.compactMapValues(\.self) }
    }

    /// Whether one was looked for.
    func knowsNamed(_ key: NamespacedName) -> Bool { value.withLock { $0.named[key] != nil } }

    /// From now on `backendsChanged` speaks of these backends and no others.
    ///
    /// - Returns: what each means at this moment. Nothing is missed in between: a later change is in
    ///   `takeBackendChanges`.
    func follow(_ backends: Set<ServiceBackend>) -> [ServiceBackend: BackendResolution] {
        value.withLock { value in
            value.followed = Dictionary(grouping: backends, by: \.service)
            value.changedFollowed = []
            return Dictionary(uniqueKeysWithValues: backends.map { ($0, value.services.resolve($0)) })
        }
    }

    /// The followed backends of Services that changed since the last call, and what they mean now.
    func takeBackendChanges() -> [ServiceBackend: BackendResolution] {
        value.withLock { value in
            defer { value.changedFollowed = [] }
            let backends = value.changedFollowed.flatMap { value.followed[$0] ?? [] }
            return Dictionary(uniqueKeysWithValues: backends.map { ($0, value.services.resolve($0)) })
        }
    }

    // MARK: From the API

    func observe(
        services: Informer<KeptService>, slices: Informer<KeptSlice>, tables: Informer<RouteTable>,
        secrets: Informer<KeptSecret>
    ) {
        services.addHandler { [self] change in
            var isGone = false
            if case .deleted = change { isGone = true }
            setService(change.key, isGone ? nil : change.object.entry)
        }
        slices.addHandler { [self] change in
            var isGone = false
            if case .deleted = change { isGone = true }
            setSlice(change.key, isGone ? nil : change.object.entry, trigger: isGone ? nil : change.object.trigger)
        }
        tables.addHandler { [self] change in
            var isGone = false
            if case .deleted = change { isGone = true }
            setTable(change.key, isGone ? nil : change.object)
        }
        secrets.addHandler { [self] change in
            var isGone = false
            if case .deleted = change { isGone = true }
            let uid = change.object.metadata.uid ?? ""
            isGone ? removeSecret(change.key, uid: uid) : setSecret(change.key, uid: uid, change.object.certificate)
        }
    }

    func setService(_ key: NamespacedName, _ entry: ServiceEntry?) {
        raise { value in
            value.noteNames(key)
            let changed = entry.map { value.services.setService($0) } ?? value.services.removeService(key)
            if !changed.isEmpty {
                value.queue.addService(now: MonotonicClock.seconds, wallNow: SystemClock.microsecondsSinceEpoch)
            }
            return changed
        }
    }

    /// - Parameter trigger: when the change happened that the slice answers, in microseconds since 1970.
    func setSlice(_ key: NamespacedName, _ entry: EndpointSliceEntry?, trigger: Int64? = nil) {
        var isOfServers = false
        defer { if isOfServers { apiServersChanged.raise() } }
        raise { value in
            let owner = value.services.owner(ofSlice: key)
            isOfServers = entry?.service == Self.apiServerService || owner == Self.apiServerService
            value.noteNames(of: key, trigger: trigger, ofServices: entry?.service, owner)
            let changed = value.services.setSlice(key, entry)
            if !changed.isEmpty {
                value.queue.addSlice(
                    key, trigger: trigger, now: MonotonicClock.seconds, wallNow: SystemClock.microsecondsSinceEpoch)
            }
            return changed
        }
    }

    func setTable(_ key: NamespacedName, _ table: RouteTable?) {
        let isChanged = value.withLock { value in
            let previous = value.tables[key]
            value.tables[key] = table
            // Its status is written by this process: that must not cost another pass.
            return previous?.spec != table?.spec || previous?.metadata.uid != table?.metadata.uid
        }
        if isChanged { routesChanged.raise() }
    }

    /// Takes what a Secret holds now, nil when it cannot be served: then what was served before stays, by this process or
    /// the one before it.
    func setSecret(_ key: NamespacedName, uid: String = "", _ secret: TLSSecret?) {
        let recalled = secret == nil ? lastGood?.recall(uid) : nil
        let (isChanged, kept) = value.withLock { value in
            let before = value.secrets[key]
            let served = TLSSecret.served(secret, before: before ?? recalled)
            value.secrets[key] = served.certificate
            return (served.certificate != before, served.isStale ? served.certificate : nil)
        }
        if let kept { lastGood?.keep(kept, of: uid) } else if secret != nil { lastGood?.forget(uid) }
        if isChanged { routesChanged.raise() }
    }

    func removeSecret(_ key: NamespacedName, uid: String = "") {
        lastGood?.remove(uid)
        if value.withLock({ $0.secrets.removeValue(forKey: key) }) != nil { routesChanged.raise() }
    }

    /// Takes what one of them holds, nil when there is none that can be read.
    func setNamed(_ key: NamespacedName, _ secret: NamedSecret?) {
        let isChanged = value.withLock { value in
            defer { value.named[key] = .some(secret) }
            return value.named[key] != .some(secret)
        }
        if isChanged { routesChanged.raise() }
    }

    /// Nobody names it any more.
    func forgetNamed(_ key: NamespacedName) { value.withLock { _ = $0.named.removeValue(forKey: key) } }

    private func raise(_ change: (inout Value) -> [NamespacedName]) {
        let signals = value.withLock { value in
            var signals: [ChangeSignal] = []
            let changed = change(&value)
            if value.renamed?.isEmpty == false { signals.append(namesChanged) }
            if !changed.isEmpty { signals.append(servicesChanged) }
            let followed = changed.filter { value.followed[$0] != nil }
            value.changedFollowed.formUnion(followed)
            if !followed.isEmpty { signals.append(backendsChanged) }
            let checked = changed.filter { key in
                let isChecked = value.services[key]?.healthCheckNodePort != nil
                let wasChecked =
                    isChecked ? !value.healthChecked.insert(key).inserted : value.healthChecked.remove(key) != nil
                return isChecked || wasChecked
            }
            if !checked.isEmpty { signals.append(healthChecksChanged) }
            return signals
        }
        for signal in signals { signal.raise() }
    }
}
