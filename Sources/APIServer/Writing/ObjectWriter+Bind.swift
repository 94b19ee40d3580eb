import APIResources
import KubeModel

extension ObjectWriter {
    /// POST of a `v1 Binding` to a Pod.
    func bind(_ exchange: Exchange, _ operation: ResourceOperation, _ done: @escaping WriteCompletion) throws(Status) {
        let options = try WriteOptions(exchange.query, kind: "CreateOptions")
        var warnings: [String] = []
        let definition = PodBinding.definition
        let reader = DocumentReader(
            definition: definition, schema: resources.schema(for: definition.groupVersionKind))
        let document = try reader.read(
            exchange.request.body, contentType: exchange.request.contentType, options.fieldValidation,
            warnings: &warnings)
        exchange.warnings?.add(warnings)
        let namespace = document.text("metadata", "namespace")
        guard namespace.isEmpty || namespace == operation.namespace else {
            throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
        guard document.text("metadata", "name") == operation.name else {
            throw .badRequest("name in URL does not match name in Binding object")
        }
        try bind(
            try PodBinding(document), namespace: operation.namespace, isDryRun: options.isDryRun, user: exchange.user,
            now: exchange.now
        ) { result in
            done(result.map { OutgoingResponse(.created, shape: exchange.shape) })
        }
    }

    /// Ties a Pod to a node.
    func bind(
        _ binding: PodBinding, namespace: String, isDryRun: Bool, user: UserInfo, now: Timestamp,
        _ done: @escaping @Sendable (Result<Void, Status>) -> Void
    ) throws(Status) {
        guard let pods = resources.find(group: "", version: "v1", plural: "pods") else {
            throw .internalError("the server has no Pods")
        }
        var options = WriteOptions()
        options.isDryRun = isDryRun
        let request = WriteRequest(
            resource: pods, namespace: namespace, name: binding.podName, subresource: .binding, options: options,
            shape: .json, user: user, now: now)
        let edit = Change.Edit { (pod, _) throws(Status) in try binding.bound(pod, now: now) }
        write(.edit(edit), request) { result in done(result.map { _ in }) }
    }
}

extension Status {
    /// What is answered to a posted wish that was carried out.
    static let created = Status(code: 201, reason: nil, message: nil, status: "Success")
}
