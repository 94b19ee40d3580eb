import KubeClient

/// A controller: an object that reconciles one concern for as long as it runs.
protocol Controller: Sendable {
    /// The component name in Events and logs, and the base of its Lease's name.
    var name: String { get }

    /// Works until cancelled; may be called again afterwards (when leadership comes back).
    func run() async throws
}

/// The registrations of one run of a controller: all of them end with it.
struct HandlerScope: ~Copyable {
    private var registrations: [HandlerRegistration] = []

    mutating func add(_ registration: HandlerRegistration) { registrations.append(registration) }

    deinit {
        for registration in registrations { registration.cancel() }
    }
}
