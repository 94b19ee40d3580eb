import KubeClient
import KubeModel
import Logging

/// What controllers share.
struct ControllerContext: Sendable {
    var client: APIClient
    var informers: InformerSet
    var recorder: EventRecorder
    var logger: Logger
    /// The time of day for what is written into objects.
    var wallClock: @Sendable () -> MicroTime = { WallClock.microTime }
}
