import Glibc

/// An address on which every port is free for this process: tests choose port numbers on it instead of looking for one that
/// is free, which somebody else could take before it is used.
package enum OwnLoopback {
    /// The whole of 127.0.0.0/8 is this host (RFC 1122, 3.2.1.3). The lower 22 bits are the process number, which has no more
    /// (proc(5), `pid_max`); connections of others begin at 127.0.0.1, never here.
    package static let address: String = {
        let process = UInt32(bitPattern: getpid())
        return "127.\(192 | process >> 16 & 63).\(process >> 8 & 255).\(process & 255)"
    }()
}
