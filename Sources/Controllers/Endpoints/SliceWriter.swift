import KubeClient
import KubeModel

/// Carries out slice plans.
struct SliceWriter: Sendable {
    let client: APIClient
    let slices: Informer<EndpointSlice>

    func apply(_ plan: SlicePlan) async throws {
        for slice in plan.create { slices.absorb(try await client.create(slice)) }
        for slice in plan.update {
            do {
                slices.absorb(try await client.update(slice))
            } catch let status as Status where status.isNotFound {
                slices.absorbDeletion(of: NamespacedName(slice.metadata), uid: slice.metadata.uid)
                throw status
            }
        }
        for slice in plan.delete { try await delete(slice) }
    }

    func delete(_ slice: EndpointSlice) async throws {
        let key = NamespacedName(slice.metadata)
        do {
            try await client.delete(
                EndpointSlice.self, key.name, namespace: key.namespace, options: DeleteOptions(uid: slice.metadata.uid))
        } catch let status as Status where status.isNotFound {
            // Somebody was faster.
        }
        slices.absorbDeletion(of: key, uid: slice.metadata.uid)
    }
}

extension Status {
    /// The namespace is being removed, so nothing can be created in it and nothing needs to be.
    var isNamespaceTerminating: Bool {
        reason == .forbidden
            && (details?.causes?.contains { $0.reason == "NamespaceTerminating" } == true
                || message?.contains("because it is being terminated") == true)
    }
}
