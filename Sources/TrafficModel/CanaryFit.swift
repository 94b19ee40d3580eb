package import KubeModel

/// Whether a canary's route may take requests from the same route of another table.
///
/// Only one of the same namespace and the same ingress controller may: whoever may write Ingresses in one namespace is not
/// to have another one's traffic. What its main route is guarded by holds for it as well, so that there is none beside a
/// route that is closed.
package enum CanaryFit: Hashable, Sendable {
    case fits
    /// No other table has the route.
    case noMain
    case foreignMain(NamespacedName)
    /// The main route has no backend.
    case mainUnserved(NamespacedName)
    /// The canary's has none.
    case unserved
    /// Both have the same one.
    case sameBackend(NamespacedName)

    /// - Parameter main: the table that has the route, and the route in it.
    package init(_ canary: RouteTable, _ path: RoutePath, main: (table: RouteTable, path: RoutePath)?) {
        guard let main else {
            self = .noMain
            return
        }
        let key = NamespacedName(main.table.metadata)
        if key.namespace != NamespacedName(canary.metadata).namespace
            || main.table.spec?.controllerName != canary.spec?.controllerName
        {
            self = .foreignMain(key)
        } else if let backend = path.backend {
            guard let other = main.path.backend else {
                self = .mainUnserved(key)
                return
            }
            let isSame = backend.serviceName == other.serviceName && backend.port == other.port
            self = isSame ? .sameBackend(key) : .fits
        } else {
            self = .unserved
        }
    }

    /// What is wrong, in words that follow the route's; nil for nothing.
    package var problem: String? {
        switch self {
        case .fits: nil
        case .noMain: "is in no other Ingress that this canary could take requests from"
        case .foreignMain(let key):
            "is served by \(key), and a canary takes requests only from its own namespace and ingress controller"
        case .mainUnserved(let key): "has no backend in \(key), so that its canary gets no requests"
        case .unserved: "has no backend that could be a canary"
        case .sameBackend(let key): "has the same backend in \(key), so that there is nothing to share"
        }
    }
}
