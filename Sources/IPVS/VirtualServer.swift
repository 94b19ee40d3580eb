package import NetworkTypes

/// An address whose connections the kernel balances: what ipvsadm(8) calls a virtual service.
package struct VirtualServer: Hashable, Sendable {
    /// What the kernel knows it by.
    package struct Key: Hashable, Sendable, Comparable, CustomStringConvertible {
        /// The IP protocol's number.
        package var transport: UInt8
        package var address: SocketAddress

        package init(transport: UInt8, address: SocketAddress) {
            self.transport = transport
            self.address = address
        }

        package var description: String {
            let name =
                switch transport {
                case 6: "TCP"
                case 17: "UDP"
                case 132: "SCTP"
                default: "protocol \(transport)"
                }
            return "\(address)/\(name)"
        }

        package static func < (left: Key, right: Key) -> Bool {
            left.address == right.address ? left.transport < right.transport : left.address < right.address
        }
    }

    package var key: Key
    package var scheduler: IPVSScheduler
    package var flags: Flags
    /// Seconds that a client keeps its real server after its last connection ended, where `flags` has `.persistent`.
    package var persistence: UInt32

    package init(key: Key, scheduler: IPVSScheduler, flags: Flags = [], persistence: UInt32 = 0) {
        self.key = key
        self.scheduler = scheduler
        self.flags = flags
        self.persistence = persistence
    }
}

extension VirtualServer {
    /// `IP_VS_SVC_F_…` of <linux/ip_vs.h>.
    package struct Flags: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// A client keeps its real server.
        package static let persistent = Flags(rawValue: 0x1)
        /// Set by the kernel itself.
        package static let hashed = Flags(rawValue: 0x2)
        /// The scheduler's first own flag: `sh` and `mh` go on to another real server where the chosen one has no weight.
        package static let fallback = Flags(rawValue: 0x8)
        /// The scheduler's third own flag, which none of `IPVSScheduler.offered` reads: it tells whose a virtual server is,
        /// also after whoever made it was killed. ipvsadm(8) prints it as `flag-3`.
        package static let owned = Flags(rawValue: 0x20)
    }
}
