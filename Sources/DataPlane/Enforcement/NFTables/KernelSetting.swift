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

    func turn(_ isOn: Bool) throws(SystemError) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("set \(name)", number: errno) }
        defer { close(descriptor) }
        guard write(descriptor, isOn ? "1" : "0", 1) == 1 else { throw SystemError("set \(name)", number: errno) }
    }
}
