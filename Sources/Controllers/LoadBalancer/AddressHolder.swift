import KubeModel

/// A Service that has an address, as others see it that want the same one.
struct AddressHolder: Sendable, Equatable {
    var key: NamespacedName
    var sharing: SharingKey?
    var ports: Set<ServedPort>
    var created: Timestamp?
    /// The name of the pool that it has its addresses from, as far as is known.
    var pool: String?

    /// Whether both may have the same address.
    func canShare(with other: AddressHolder) -> Bool {
        sharing != nil && sharing == other.sharing && ports.isDisjoint(with: other.ports)
    }

    /// Of two that have the same address without sharing, the older keeps it.
    func precedes(_ other: AddressHolder) -> Bool {
        guard created != other.created, let created, let theirs = other.created else { return key < other.key }
        return created < theirs
    }
}
