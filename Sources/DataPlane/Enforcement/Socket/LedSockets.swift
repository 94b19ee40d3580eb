import BPF
import Conntrack
import Netlink

/// The UDP sockets of this network namespace that were led to endpoints when they connected, as flows: from the socket's own
/// address to that of the Service, with answers from the endpoint. To delete one is to end the socket: whoever has it reads
/// ECONNABORTED, sends into EDESTADDRREQ, and has to connect anew.
///
/// For one thread.
protocol LedSockets: TrackedFlows {
    /// What the sockets believe stands in this map (`SocketMaps.connected`); without one there are none.
    func follow(_ connected: BPFObject?)

    /// Takes out of the map what was there at the last look too, and belongs to no socket.
    func tidy() throws(NetlinkError)
}
