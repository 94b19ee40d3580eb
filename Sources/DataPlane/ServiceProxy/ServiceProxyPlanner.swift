package import KubeModel
import TrafficModel

/// Decides which listeners to open, change and close as Services change. Pure.
///
/// - An address without a usable endpoint has no listener, so that the kernel refuses connections to it at once.
/// - When two Services claim one address the one that has it keeps it; a free address goes to the first in order of
///   namespace and name. The others are reported as conflicts and get it when it becomes free.
package struct ServiceProxyPlanner: Sendable {
    package enum Change: Hashable, Sendable {
        case open(ServiceListenerKey, ServiceListener)
        case update(ServiceListenerKey, ServiceListener)
        case close(ServiceListenerKey)
    }

    /// A Service that wants an address which another one has.
    package struct Conflict: Hashable, Sendable {
        package var key: ServiceListenerKey
        package var loser: NamespacedName
        package var winner: NamespacedName
    }

    package private(set) var listeners: [ServiceListenerKey: ServiceListener] = [:]
    private var claims: [ServiceListenerKey: [NamespacedName: ServiceListener]] = [:]
    private var owners: [ServiceListenerKey: NamespacedName] = [:]
    private var keys: [NamespacedName: Set<ServiceListenerKey>] = [:]

    package init() {}

    /// The Services that claim at least one address.
    package var serviceCount: Int { keys.count }

    /// Takes in the present state of one Service (`wanted` empty: it is gone) and returns what to do, closes first so
    /// that an address that moves between Services is free before it is opened.
    package mutating func update(
        _ service: NamespacedName, wanted: [ServiceListenerKey: ServiceListener]
    ) -> [Change] {
        var touched = keys[service] ?? []
        touched.formUnion(wanted.keys)
        keys[service] = wanted.isEmpty ? nil : Set(wanted.keys)

        var closes: [Change] = []
        var others: [Change] = []
        for key in touched {
            claims[key, default: [:]][service] = wanted[key]
            if claims[key]?.isEmpty == true { claims[key] = nil }
            if let owner = owners[key], claims[key]?[owner] == nil { owners[key] = nil }
            if owners[key] == nil { owners[key] = claims[key]?.keys.min() }

            let next = owners[key].flatMap { claims[key]?[$0] }.flatMap { $0.endpoints.isEmpty ? nil : $0 }
            switch (listeners[key], next) {
            case (nil, nil): break
            case (nil, let next?): others.append(.open(key, next))
            case (.some, nil): closes.append(.close(key))
            case (let previous?, let next?): if previous != next { others.append(.update(key, next)) }
            }
            listeners[key] = next
        }
        return closes + others
    }

    /// The conflicts of one Service, as loser.
    package func conflicts(of service: NamespacedName) -> [Conflict] {
        (keys[service] ?? []).compactMap { key in
            guard let owner = owners[key], owner != service else { return nil }
            return Conflict(key: key, loser: service, winner: owner)
        }
    }
}
