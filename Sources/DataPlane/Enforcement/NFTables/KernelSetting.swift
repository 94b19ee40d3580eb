import Glibc
import System

/// Settings of this network namespace's kernel (sysctl) that rules depend on.
enum KernelSetting: String {
    /// Packets are passed on from one interface to another.
    case forwardIPv4 = "ipv4/ip_forward"
    case forwardIPv6 = "ipv6/conf/all/forwarding"
    /// Addresses of 127.0.0.0/8 are routed as others are, rather than being thrown away outside of the loopback
    /// interface.
    case routeLoopback = "ipv4/conf/all/route_localnet"

    private var path: String { "/proc/sys/net/\(rawValue)" }

    /// As administrators know it.
    var name: String { "net." + rawValue.split(separator: "/").joined(separator: ".") }

    /// Nil where it cannot be read.
    var isOn: Bool? {
        // A kernel without it, or without /proc: nothing is known then.
        guard let bytes = try? FileBytes.read(path, limit: 64), let first = bytes.first else { return nil }
        return first != UInt8(ascii: "0")
    }

    /// Interfaces that take in only what would be answered by them: the stricter of the interface's own setting and that
    /// for all counts (`rp_filter`, Linux' ip-sysctl).
    static var strictInterfaces: [String] {
        let folder = "/proc/sys/net/ipv4/conf"
        var values: [String: UInt8] = [:]
        for name in FileBytes.names(in: folder) {
            // An interface that has just gone.
            guard let value = try? FileBytes.read("\(folder)/\(name)/rp_filter", limit: 64).first else { continue }
            values[name] = value &- UInt8(ascii: "0")
        }
        let general = values["all"] ?? 0
        return values.filter { !["all", "default", "lo"].contains($0.key) && max($0.value, general) == 1 }.keys.sorted()
    }

    func turn(_ isOn: Bool) throws(SystemError) { try Self.write(isOn ? "1" : "0", to: rawValue) }

    /// - Parameter setting: its path below `/proc/sys/net`.
    static func write(_ value: String, to setting: String) throws(SystemError) {
        let name = "net." + setting.split(separator: "/").joined(separator: ".")
        let descriptor = open("/proc/sys/net/\(setting)", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("set \(name)", number: errno) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, value, value.utf8.count) == value.utf8.count else {
            throw SystemError("set \(name)", number: errno)
        }
    }
}
