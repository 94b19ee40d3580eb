import KubeModel

/// What one write took and will give up.
struct ServiceReservation: AllocationTransaction {
    let allocations: ServiceAllocations
    let claimed: ServiceHolding
    let released: ServiceHolding

    func commit() { allocations.release(released) }
    func rollback() { allocations.release(claimed) }
}

extension Status {
    static func invalidService(_ service: ServiceDocument, _ errors: [FieldError]) -> Status {
        .invalid(GroupKind(group: "", kind: "Service"), service.name, errors)
    }
}
