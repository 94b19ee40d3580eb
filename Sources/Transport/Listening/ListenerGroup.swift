internal import Glibc
internal import NetworkTypes

/// The listening sockets of one address for a number of loops: one for each over TCP (SO_REUSEPORT spreads connections
/// over them), one for all over a unix socket.
package struct ListenerGroup: Sendable {
    /// With the port that the kernel chose.
    package let address: BindAddress
    private let descriptors: [Int32]

    /// Opens the sockets; nothing is accepted before an ``Acceptor`` has them. Throws `.addressInUse` also for a port that
    /// another process of the same user could share.
    package static func open(_ address: BindAddress, loops: Int) throws(TransportError) -> ListenerGroup {
        switch address {
        case .unix(let path, let mode):
            return ListenerGroup(address: address, descriptors: [try Socket.listen(unixPath: path, mode: mode)])
        case .tcp(let address): return try open(address, loops: loops)
        }
    }

    private static func open(_ address: SocketAddress, loops: Int) throws(TransportError) -> ListenerGroup {
        guard loops > 1 else {
            let descriptor = try Socket.listen(address)
            return ListenerGroup(
                address: .tcp(Socket.localAddress(descriptor) ?? address), descriptors: [descriptor])
        }
        // With SO_REUSEPORT a second server of the same user would silently share the port: look without it first.
        if address.port != 0 { Socket.close(try Socket.listen(address)) }
        var bound = address
        var descriptors: [Int32] = []
        do throws(TransportError) {
            for _ in 0..<loops {
                let descriptor = try Socket.listen(bound, reusePort: true)
                descriptors.append(descriptor)
                bound = Socket.localAddress(descriptor) ?? bound
            }
        } catch {
            for descriptor in descriptors { Socket.close(descriptor) }
            throw error
        }
        return ListenerGroup(address: .tcp(bound), descriptors: descriptors)
    }

    package var isUnixSocket: Bool {
        if case .unix = address { true } else { false }
    }

    /// Whether all loops accept from one descriptor, which ``close()`` closes when they have let go of it.
    package var isShared: Bool { isUnixSocket }

    /// What the loop at this position of the group accepts from.
    package func descriptor(forLoop index: Int) -> Int32 { descriptors[isShared ? 0 : index] }

    /// Ends a shared socket and removes its file. Sockets of single loops are closed by their ``Acceptor``.
    package func close() {
        guard case .unix(let path, _) = address else { return }
        for descriptor in descriptors { Socket.close(descriptor) }
        _ = unlink(path)
    }
}
