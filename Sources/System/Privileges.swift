/// What the kernel lets this process do beyond what every process may (capabilities(7)).
package struct Privileges: OptionSet, Sendable {
    package let rawValue: UInt64

    /// To take privileges from those that programs may get.
    package static let boundingSet = Privileges(rawValue: 1 << 8)
    /// Ports below 1024.
    package static let lowPorts = Privileges(rawValue: 1 << 10)
    /// Addresses, routes and packet filters.
    package static let networkAdministration = Privileges(rawValue: 1 << 12)

    /// Sockets that see packets as they are: ARP, neighbour discovery, the commands of iptables.
    package static let rawPackets = Privileges(rawValue: 1 << 13)

    /// Programs and maps in the kernel (eBPF).
    package static let programs = Privileges(rawValue: 1 << 39)

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Those in force now; none where the kernel does not say.
    package static var current: Privileges {
        guard let status = try? FileBytes.read("/proc/self/status") else { return [] }
        return Privileges(processStatus: String(decoding: status, as: UTF8.self))
    }

    /// Reads the line `CapEff` of proc(5)'s `/proc/PID/status`.
    package init(processStatus text: String) {
        let line = text.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let digits = line?.split { $0 == ":" || $0.isWhitespace }.last ?? ""
        rawValue = UInt64(digits, radix: 16) ?? 0
    }
}
