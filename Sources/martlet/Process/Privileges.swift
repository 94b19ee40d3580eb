import System

/// What the kernel lets this process do beyond what every process may (capabilities(7)).
struct Privileges: OptionSet {
    let rawValue: UInt64

    /// Ports below 1024.
    static let lowPorts = Privileges(rawValue: 1 << 10)
    /// Addresses, routes and packet filters.
    static let networkAdministration = Privileges(rawValue: 1 << 12)

    init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Those in force now; none where the kernel does not say.
    static var current: Privileges {
        guard let status = try? FileBytes.read("/proc/self/status") else { return [] }
        return Privileges(processStatus: String(decoding: status, as: UTF8.self))
    }

    /// Reads the line `CapEff` of proc(5)'s `/proc/PID/status`.
    init(processStatus text: String) {
        let line = text.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let digits = line?.split { $0 == ":" || $0.isWhitespace }.last ?? ""
        rawValue = UInt64(digits, radix: 16) ?? 0
    }
}
