/// A chain of rules. With a hook packets enter it by themselves, else by a verdict.
package struct NFChain: Hashable, Sendable {
    /// Where packets enter a chain.
    package struct Hook: Hashable, Sendable {
        package enum Kind: String, Hashable, Sendable {
            case filter
            /// Sees the first packet of each connection.
            case nat
            case route
        }

        /// The raw value is the kernel's (NF_INET_*).
        package enum Point: UInt32, Hashable, Sendable {
            case prerouting = 0
            case input = 1
            case forward = 2
            case output = 3
            case postrouting = 4

            /// Of the family `arp`, which counts its own (NF_ARP_IN).
            package static let arpInput = Point.prerouting
        }

        package enum Policy: UInt32, Hashable, Sendable {
            case drop = 0
            case accept = 1
        }

        package var kind: Kind
        package var point: Point
        /// Chains with a lower one come first; -100 is where destinations are usually translated, 100 sources.
        package var priority: Int32
        /// What becomes of a packet that no rule decides.
        package var policy: Policy

        package init(_ kind: Kind, _ point: Point, priority: Int32, policy: Policy = .accept) {
            self.kind = kind
            self.point = point
            self.priority = priority
            self.policy = policy
        }
    }

    package var name: String
    package var hook: Hook?

    package init(_ name: String, hook: Hook? = nil) {
        self.name = name
        self.hook = hook
    }
}
