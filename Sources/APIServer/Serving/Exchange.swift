import APIResources
import KubeModel
import NetworkTypes
import Transport

/// One request on its way through the phases: each phase fills in what the next ones need.
struct Exchange: Sendable {
    /// Its body is there from the verb on.
    var request: IncomingRequest
    let writer: any ResponseWriter
    /// When it came in: wall clock for objects, monotonic time for durations.
    let now: Timestamp
    let started: MonotonicTime
    var query = QueryItems()

    let info: RequestInfo
    var user = UserInfo.anonymous
    /// The resource the path names and what to do with it; nil for `/version`, discovery and the like.
    var operation: ResourceOperation?
    /// Likewise, where it names a resource that is answered and not kept.
    var unstored: UnstoredOperation?
    /// In which form the client gets what it asks for; nil until that is agreed on.
    var agreedShape: ResponseShape?
    /// The request's place among those in flight; given back when the answer is sent.
    var place: InFlightLimit.Place?
    /// Where a write that takes long computes; nil for any loop.
    var goOn: (@Sendable (@escaping @Sendable () -> Void) -> Void)?
    /// Texts for `Warning` headers; nil where there can be none.
    var warnings: WarningLog?
    /// Whether JSON is broken into lines for human eyes.
    var isPretty = false

    /// Of whose share of places and room it takes.
    var sender: RequestSender { RequestSender(user: user.name, peer: request.peer.map { PeerKey($0.ip) }) }

    var shape: ResponseShape { agreedShape ?? .json }

    /// What it wants with a resource, whichever way that is served.
    var verb: Verb? { operation?.verb ?? unstored?.verb }
    /// What clients of the resource are told with every answer.
    var deprecationWarning: String? {
        operation?.resource.strategy.deprecationWarning ?? unstored?.resource.resource.deprecationWarning
    }

    /// "" for what is no resource.
    var plural: String { operation?.resource.definition.plural ?? unstored?.resource.definition.plural ?? "" }
}
