package import NetworkTypes

/// Where connections to a virtual server end, by network address translation: what ipvsadm(8) calls a real server, and
/// the kernel a destination.
package struct RealServer: Hashable, Sendable {
    package var address: SocketAddress
    /// 0: no new connections.
    package var weight: UInt32

    package init(_ address: SocketAddress, weight: UInt32 = 1) {
        self.address = address
        self.weight = weight
    }

    /// As the kernel lists it.
    package struct Standing: Hashable, Sendable {
        package var server: RealServer
        /// Connections that are established.
        package var active: UInt32
        /// Those that are in the making, or wait after their end.
        package var inactive: UInt32

        package init(_ server: RealServer, active: UInt32 = 0, inactive: UInt32 = 0) {
            self.server = server
            (self.active, self.inactive) = (active, inactive)
        }

        package var isIdle: Bool { active == 0 && inactive == 0 }
    }
}
