import KubeModel
import Logging
import NetworkTypes
import Synchronization
import TrafficModel
import Transport

/// Serves the `healthCheckNodePort` of every Service that has one, on the addresses of node ports.
actor HealthCheckServer {
    /// How often a port that could not be opened is tried again.
    static let retryPause: Duration = .seconds(5)

    private struct Port {
        var server: AnswerServer
        var answer: CurrentAnswer
    }

    /// What is told now.
    private final class CurrentAnswer: Sendable {
        let value: Mutex<HealthCheckAnswer>
        init(_ answer: HealthCheckAnswer) { value = Mutex(answer) }
    }

    private let state: TrafficState
    private let loop: EventLoop
    private let logger: Logger
    private let isHealthy: @Sendable () -> Bool
    private var node: NodeIdentity
    private var ports: [SocketAddress: Port] = [:]
    /// Addresses that could not be opened, with the reason as it was told.
    private var failures: [SocketAddress: String] = [:]

    /// - Parameter isHealthy: whether this node enforces what the API says.
    init(
        state: TrafficState, loop: EventLoop, node: NodeIdentity, logger: Logger,
        isHealthy: @escaping @Sendable () -> Bool = { true }
    ) {
        self.isHealthy = isHealthy
        self.state = state
        self.loop = loop
        self.node = node
        self.logger = logger
    }

    /// The addresses that are served.
    var addresses: Set<SocketAddress> { Set(ports.keys) }

    func setNode(_ node: NodeIdentity) async {
        self.node = node
        await update()
    }

    /// Follows the Services until cancelled, then closes the ports.
    func run() async {
        await update()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in self.state.healthChecksChanged.changes { await self.update() } }
            group.addTask {
                while !Task.isCancelled {
                    // Ends only by cancellation, which the loop checks.
                    try? await Task.sleep(for: Self.retryPause)
                    if await !self.failures.isEmpty { await self.update() }
                }
            }
        }
        for port in ports.values { await port.server.stop() }
        ports = [:]
    }

    private func update() async {
        var wanted: [SocketAddress: HealthCheckAnswer] = [:]
        for service in state.healthCheckedServices() {
            guard let port = service.healthCheckNodePort else { continue }
            let answer = HealthCheckAnswer(service, on: node)
            let families = Set(service.clusterIPs.map(\.family))
            for ip in node.nodePortAddresses where families.contains(ip.family) {
                wanted[SocketAddress(ip: ip, port: port)] = answer
            }
        }
        let unwanted = ports.filter { wanted[$0.key] == nil }
        for address in unwanted.keys { ports[address] = nil }
        failures = failures.filter { wanted[$0.key] != nil }
        for (address, answer) in wanted {
            if let port = ports[address] {
                port.answer.value.withLock { $0 = answer }
            } else {
                open(address, answer)
            }
        }
        // Last: while one closes another update may run, and what was wanted before must not be opened after it.
        for port in unwanted.values { await port.server.stop() }
    }

    private func open(_ address: SocketAddress, _ answer: HealthCheckAnswer) {
        let current = CurrentAnswer(answer)
        let server = AnswerServer(loop: loop, logger: logger) { [isHealthy] _, respond in
            respond(current.value.withLock { $0 }.response(isHealthy: isHealthy()))
        }
        do {
            try server.listen(address)
            ports[address] = Port(server: server, answer: current)
            failures[address] = nil
        } catch {
            guard failures.updateValue(error.message, forKey: address) != error.message else { return }
            logger.warning("Service \(answer.service): health checks on \(address) are not served: \(error)")
        }
    }
}
