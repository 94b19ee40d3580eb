import APIResources
import KubeModel

/// What a write is about, once the request has been read.
struct WriteRequest: Sendable {
    let resource: ServedResource
    let namespace: String
    /// "" for a create.
    let name: String
    let subresource: Subresource?
    let options: WriteOptions
    let shape: ResponseShape
    let user: UserInfo
    let now: Timestamp
    /// Where warnings go; nil when the server itself writes.
    var warnings: WarningLog?
    /// Who is to own what the write sets: the client's `fieldManager`, or the beginning of its User-Agent.
    var manager = "martlet"

    /// Where it computes when it has waited; nil for any loop.
    var goOn: (@Sendable (@escaping @Sendable () -> Void) -> Void)?

    var strategy: any ResourceStrategy { resource.strategy }

    func context(name: String) -> StrategyContext {
        StrategyContext(
            namespace: namespace, name: name, user: user, isDryRun: options.isDryRun, now: now)
    }
}

/// What becomes of a write: the answer, or why there is none.
typealias WriteCompletion = @Sendable (Result<OutgoingResponse, Status>) -> Void
