internal import Glibc
package import Netlink
package import NetworkTypes

/// A device with addresses, without a kernel. For one thread.
package final class SimulatedAddressDevice: AddressDevice {
    private var standing: (owner: String, addresses: Set<IPAddress>)?
    /// Addresses that are refused.
    package var refused: Set<IPAddress> = []

    package init() {}

    package func owner() -> String? { standing?.owner }
    package func make(owner: String) { if standing == nil { standing = (owner, []) } }
    package func remove() { standing = nil }
    package func addresses() -> Set<IPAddress> { standing?.addresses ?? [] }

    package func add(_ addresses: [IPAddress]) throws(NetlinkError) -> [IPAddress: KernelRefusal] {
        guard standing != nil || addresses.isEmpty else { throw .refused(KernelRefusal(number: ENODEV)) }
        standing?.addresses.formUnion(addresses.filter { !refused.contains($0) })
        return Dictionary(
            uniqueKeysWithValues: Set(addresses).intersection(refused).map { ($0, KernelRefusal(number: EPERM)) })
    }

    package func remove(_ addresses: [IPAddress]) throws(NetlinkError) -> [IPAddress: KernelRefusal] {
        guard standing != nil || addresses.isEmpty else { throw .refused(KernelRefusal(number: ENODEV)) }
        standing?.addresses.subtract(addresses)
        return [:]
    }
}
