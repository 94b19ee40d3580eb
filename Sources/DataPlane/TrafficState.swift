import KubeClient
import KubeModel
import Synchronization
import TrafficModel

/// The objects that traffic depends on, kept up to date by informers, with one signal for each consumer.
///
/// Handlers of informers only update the value and raise the signals; compiling and applying happen on the consumers'
/// own tasks, so that any number of changes in a burst costs one pass.
final class TrafficState: Sendable {
    private struct Value {
        var services = ServiceTable()
        var tables: [NamespacedName: RouteTable] = [:]
        var secrets: [NamespacedName: TLSSecret] = [:]
    }

    private let value = Mutex(Value())
    let servicesChanged = ChangeSignal()
    let routesChanged = ChangeSignal()

    /// The Services that changed since the last call, each with its present state (nil: gone).
    func takeServiceChanges() -> [(NamespacedName, ServiceEntry?)] {
        value.withLock { value in value.services.takeChanges().map { ($0, value.services[$0]) } }
    }

    func entries(of keys: Set<NamespacedName>) -> [(NamespacedName, ServiceEntry?)] {
        value.withLock { value in keys.map { ($0, value.services[$0]) } }
    }

    var allServiceKeys: Set<NamespacedName> { value.withLock { Set($0.services.entries.map(\.key)) } }

    /// What the L7 front compiles from.
    func routingInputs() -> (tables: [RouteTable], services: ServiceTable, secrets: [NamespacedName: TLSSecret]) {
        value.withLock { (Array($0.tables.values), $0.services, $0.secrets) }
    }

    func observe(
        services: Informer<Service>, slices: Informer<EndpointSlice>, tables: Informer<RouteTable>,
        secrets: Informer<Secret>
    ) {
        services.addHandler { [self] change in
            let changed = value.withLock { value in
                if case .deleted = change { return value.services.removeService(change.key) }
                return value.services.setService(change.object)
            }
            if changed { raiseBoth() }
        }
        slices.addHandler { [self] change in
            let changed = value.withLock { value in
                if case .deleted = change { return value.services.removeSlice(change.key) }
                return value.services.setSlice(change.object)
            }
            if changed { raiseBoth() }
        }
        tables.addHandler { [self] change in
            let changed = value.withLock { value in
                if case .deleted = change {
                    value.tables[change.key] = nil
                    return true
                }
                // Its status is written by this process: that must not cost another pass.
                let previous = value.tables.updateValue(change.object, forKey: change.key)
                return previous?.spec != change.object.spec || previous?.metadata.uid != change.object.metadata.uid
            }
            if changed { routesChanged.raise() }
        }
        secrets.addHandler { [self] change in
            let changed = value.withLock { value in
                let before = value.secrets[change.key]
                var after: TLSSecret?
                if case .deleted = change {
                } else {
                    after = TLSSecret.served(change.object, before: before).certificate
                }
                value.secrets[change.key] = after
                return before != after
            }
            if changed { routesChanged.raise() }
        }
    }

    private func raiseBoth() {
        servicesChanged.raise()
        routesChanged.raise()
    }
}
