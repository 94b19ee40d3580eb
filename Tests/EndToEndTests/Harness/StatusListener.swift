import Glibc
import Synchronization
import Testing

/// What a process says of itself by sd_notify(3).
final class StatusListener: Sendable {
    let path: String
    private let descriptor: Int32
    private let messages = Mutex<[String]>([])

    init(path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
    }

    deinit { close(descriptor) }

    /// The status that it gave last.
    var status: String {
        messages.withLock { messages in
            var buffer = [UInt8](repeating: 0, count: 8192)
            while case let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)), count > 0 {
                messages.append(String(decoding: buffer[..<count], as: UTF8.self))
            }
            let lines = messages.flatMap { $0.split(separator: "\n") }
            return lines.last { $0.hasPrefix("STATUS=") }.map { String($0.dropFirst(7)) } ?? ""
        }
    }
}
