import APIResources
import KubeModel
import Store
import WatchCache

extension ObjectWriter {
    /// POST of a `policy/v1 Eviction` to a Pod: a deletion that budgets can refuse.
    func evict(_ exchange: Exchange, _ operation: ResourceOperation, _ done: @escaping WriteCompletion) throws(Status) {
        let definition = ResourceDefinition(
            group: "policy", version: "v1", kind: "Eviction", plural: "evictions", namespaced: true)
        let write = try WriteOptions(exchange.query, kind: "CreateOptions")
        var warnings: [String] = []
        let eviction = try DocumentReader(definition: definition, schema: nil).read(
            exchange.request.body, contentType: exchange.request.contentType, write.fieldValidation,
            warnings: &warnings)
        let name = eviction.text("metadata", "name")
        guard name == operation.name else {
            throw Status.badRequest("name in URL does not match name in Eviction object: \(operation.name) != \(name)")
        }
        var options = try DeleteOptions(body: eviction.at("deleteOptions"), query: QueryItems())
        var request = WriteRequest(
            resource: operation.resource, namespace: operation.namespace, name: operation.name, subresource: nil,
            options: write, shape: exchange.shape, user: exchange.user, now: exchange.now)
        if options.isDryRun {
            var dry = write
            dry.isDryRun = true
            request = WriteRequest(
                resource: request.resource, namespace: request.namespace, name: request.name, subresource: nil,
                options: dry, shape: request.shape, user: request.user, now: request.now)
        }
        guard let current = request.resource.cache.get(namespace: request.namespace, name: request.name) else {
            throw Status.notFound(request.resource.definition.groupResource, request.name)
        }
        // What was judged is what goes.
        if options.uid == nil { options.uid = current.uid }
        let budgets = resources.find(group: "policy", version: "v1", plural: "poddisruptionbudgets")
        let documents =
            try budgets?.cache.list(namespace: request.namespace, labels: nil, fields: nil).items
            .map { (object) throws(Status) in try budgets?.served(object) ?? .null } ?? []
        switch EvictionPlan(try request.resource.served(current), budgets: documents, now: request.now) {
        case .refuse(let status): throw status
        case .delete: try deleteEvicted(request, options, done)
        case .spend(let budget):
            guard let budgets else { throw Status.internalError("the server has no disruption budgets") }
            spend(budget, of: budgets, request, options, done)
        }
    }

    /// Stores the budget's new count; only when that has worked does the Pod go.
    private func spend(
        _ budget: JSONValue, of resource: ServedResource, _ request: WriteRequest, _ options: DeleteOptions,
        _ done: @escaping WriteCompletion
    ) {
        let update = WriteRequest(
            resource: resource, namespace: request.namespace, name: budget.text("metadata", "name"),
            subresource: .status, options: request.options, shape: .json, user: request.user, now: request.now)
        // The document carries its version: whoever is slower is asked to come back.
        let edit = Change.Edit(retriesLostRaces: false) { _, _ in budget }
        write(.edit(edit), update) { result in
            switch result {
            case .failure(let status):
                done(.failure(status.code == 409 ? .tooManyRequests("The budget was changed meanwhile.") : status))
            case .success:
                self.queue.run {
                    do throws(Status) {
                        try self.deleteEvicted(request, options, done)
                    } catch {
                        done(.failure(error))
                    }
                }
            }
        }
    }

    private func deleteEvicted(
        _ request: WriteRequest, _ options: DeleteOptions, _ done: @escaping WriteCompletion
    ) throws(Status) {
        try delete(request, options, attempt: 1) { result in
            done(
                result.map { _ in
                    OutgoingResponse(
                        Status(code: 201, reason: nil, message: nil, status: "Success"), shape: request.shape)
                })
        }
    }
}
