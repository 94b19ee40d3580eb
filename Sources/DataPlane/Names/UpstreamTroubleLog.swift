import DNS
import Logging

/// Says in the log why servers that are asked for other names fail. How often is for the name server to bound.
struct UpstreamTroubleLog: UpstreamLog {
    let logger: Logger

    func record(_ trouble: UpstreamTrouble) {
        logger.warning(
            "the upstream server \(trouble.server) fails over \(trouble.transport.name): \(trouble.cause)")
    }
}
