import KubeClient
import KubeModel
import Logging

/// Looks every minute what on this machine keeps traffic from Services, and tells each thing once, for as long as it is
/// there: in the log, to whoever looks at this process, and as an Event of the Node.
struct ObstacleWatch {
    static let pause: Duration = .seconds(60)

    let nodeName: String
    let recorder: EventRecorder
    let logger: Logger
    let pause: Duration
    private var told: Set<TrafficObstacle> = []

    init(nodeName: String, recorder: EventRecorder, logger: Logger, pause: Duration = Self.pause) {
        self.nodeName = nodeName
        self.recorder = recorder
        self.logger = logger
        self.pause = pause
    }

    /// Runs until cancelled.
    mutating func run(
        _ look: @Sendable () async -> [TrafficObstacle], onNotice: @Sendable (String) -> Void
    ) async {
        while !Task.isCancelled {
            for obstacle in take(await look()) {
                logger.warning("\(obstacle.message)")
                onNotice(obstacle.message)
                var node = ObjectReference()
                node.apiVersion = "v1"
                node.kind = "Node"
                node.name = nodeName
                // As kubelets and kube-proxy do: Events of a Node are looked for by its name.
                node.uid = nodeName
                recorder.record(.warning, about: node, reason: obstacle.reason, message: obstacle.message)
            }
            // Ends early only by cancellation, which the loop checks.
            try? await Task.sleep(for: pause)
        }
    }

    /// Takes in what is there now.
    ///
    /// - Returns: what was not there before.
    mutating func take(_ present: [TrafficObstacle]) -> [TrafficObstacle] {
        defer { told = Set(present) }
        return present.filter { !told.contains($0) }
    }
}
