import APIResources
import KubeModel

/// `v1 Binding` posted to a namespace: ties the Pod of that name to a node, as `pods/NAME/binding` does.
struct Bindings: UnstoredResource {
    let writer: ObjectWriter

    let definition = PodBinding.definition

    var verbs: [Verb] { [.create] }

    func answer(_ request: UnstoredRequest, _ done: @escaping @Sendable (Result<UnstoredAnswer, Status>) -> Void) {
        do throws(Status) {
            let binding = try PodBinding(request.document)
            guard !binding.podName.isEmpty else { throw .badRequest("Name parameter required.") }
            try writer.bind(
                binding, namespace: request.namespace, isDryRun: request.isDryRun, user: request.user,
                now: request.now
            ) { result in
                done(result.map { UnstoredAnswer(status: 201, document: Status.created.json) })
            }
        } catch {
            done(.failure(error))
        }
    }
}
