/// How a real server is chosen for a new connection. Each is a module of the kernel.
package struct IPVSScheduler: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    /// In turn.
    package static let roundRobin = IPVSScheduler(rawValue: "rr")
    package static let weightedRoundRobin = IPVSScheduler(rawValue: "wrr")
    /// The one with the fewest connections.
    package static let leastConnections = IPVSScheduler(rawValue: "lc")
    /// By the client's address.
    package static let sourceHashing = IPVSScheduler(rawValue: "sh")
    /// By the client's address, so that few clients move when a real server comes or goes (Maglev); since Linux 4.18.
    package static let maglevHashing = IPVSScheduler(rawValue: "mh")

    package static let offered: [IPVSScheduler] = [
        .roundRobin, .weightedRoundRobin, .leastConnections, .sourceHashing, .maglevHashing,
    ]

    /// Whether the choice follows from the client's address.
    package var isHashing: Bool { self == .sourceHashing || self == .maglevHashing }

    package var description: String { rawValue }
}
