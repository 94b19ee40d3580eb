import KubeClient
import KubeModel
import Logging

/// Deletes objects whose owners are gone, and carries out foreground deletion and orphaning, for every kind that the
/// server lists: the garbage collector controller of Kubernetes.
final class GarbageCollector: Controller {
    let name = "garbage-collector"
    private let context: ControllerContext

    init(_ context: ControllerContext) { self.context = context }

    /// Each run begins with an empty graph: everything it needs to know is what the server holds.
    func run() async throws {
        try await CollectionRun(context, name: name).run()
    }
}
