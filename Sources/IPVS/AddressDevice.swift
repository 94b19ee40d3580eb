package import Netlink
package import NetworkTypes

/// A device that leads nowhere and has addresses, so that they are the machine's own: the kernel asks for virtual servers
/// only where a packet has arrived. Calls block.
package protocol AddressDevice: AnyObject {
    /// Whether there is such a device, and by whom it says it was made (its `ifalias`; empty where it says nothing).
    func owner() throws(NetlinkError) -> String?

    /// Makes the device where there is none, and lets it say by whom it was made.
    func make(owner: String) throws(NetlinkError)

    /// Removes the device with its addresses; nothing where there is none.
    func remove() throws(NetlinkError)

    /// Its addresses, but for those of a link.
    func addresses() throws(NetlinkError) -> Set<IPAddress>

    /// - Returns: what was refused. An address that is there already is not.
    func add(_ addresses: [IPAddress]) throws(NetlinkError) -> [IPAddress: KernelRefusal]

    /// - Returns: what was refused. An address that is gone already is not.
    func remove(_ addresses: [IPAddress]) throws(NetlinkError) -> [IPAddress: KernelRefusal]
}
