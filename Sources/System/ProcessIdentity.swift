internal import Glibc

/// One process among all that ever have its number: `PID@START`, the start in ticks since boot (proc(5), `/proc/PID/stat`).
package struct ProcessIdentity: Hashable, Sendable, CustomStringConvertible {
    package let pid: Int32
    package let started: UInt64

    package init(pid: Int32, started: UInt64) {
        self.pid = pid
        self.started = started
    }

    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, let pid = Int32(parts[0]), pid > 0, let started = UInt64(parts[1]) else { return nil }
        self.init(pid: pid, started: started)
    }

    package static var current: ProcessIdentity {
        ProcessIdentity(pid: getpid(), started: start(of: getpid()) ?? 0)
    }

    /// Whether it runs still.
    package var isAlive: Bool { Self.start(of: pid) == started }

    package var description: String { "\(pid)@\(started)" }

    private static func start(of pid: Int32) -> UInt64? {
        guard let bytes = try? FileBytes.read("/proc/\(pid)/stat", limit: 4096) else { return nil }
        // The program's name stands in brackets and may hold anything; the twentieth field behind it is the start.
        guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[bytes.index(after: end)...].split(separator: UInt8(ascii: " "))
        return fields.count > 19 ? UInt64(String(decoding: fields[19], as: UTF8.self)) : nil
    }
}
