import CProcess
import Glibc

/// Tells whoever started this process that it is ready and what it is doing, in the protocol of sd_notify(3): systemd
/// understands it, and so does `martlet up`.
struct ServiceNotification: Sendable {
    /// Systemd ignores assignments that start with `X_`.
    static let noticeKey = "X_MARTLET_NOTICE"

    func ready(status: String) { send(["READY=1", "STATUS=\(status)"]) }
    func status(_ text: String) { send(["STATUS=\(text)"]) }
    /// A sentence for the user: shown once, unlike the status.
    func notice(_ text: String) { send(["\(Self.noticeKey)=\(text)"]) }
    func stopping() { send(["STOPPING=1"]) }

    /// Best effort by design: a supervisor that is gone or slow must not hold the service up.
    private func send(_ assignments: [String]) {
        guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }),
            let (address, length) = NotificationSocket.address(path)
        else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let message = assignments.joined(separator: "\n")
        var target = address
        _ = Array(message.utf8).withUnsafeBytes { bytes in
            withUnsafePointer(to: &target) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
                }
            }
        }
    }
}

/// The receiving end of `ServiceNotification`: a datagram socket with an abstract name.
///
/// Every user of the machine can write to it, so the kernel says who did (SO_PASSCRED): a message counts only for the
/// process that sent it, and what it says is text of a stranger.
final class NotificationSocket: Sendable {
    struct Message: Sendable, Equatable {
        /// The process that sent it, as the kernel vouches; 0 for one that it does not know.
        var sender: pid_t
        var isReady: Bool
        var status: String?
        var notice: String?
    }

    let path: String
    private let descriptor: Int32

    init?(identifier: String) {
        path = "@martlet-\(identifier)"
        guard let (address, length) = Self.address(path) else { return nil }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var own = address
        let bound = withUnsafePointer(to: &own) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        // Without credentials nobody could be told from anybody.
        guard martlet_pass_credentials(descriptor) == 0, bound == 0 else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Blocks until the next message; nil when the socket is gone.
    func receive() -> Message? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            var sender = pid_t()
            let count = buffer.withUnsafeMutableBytes {
                martlet_receive_from_process(descriptor, $0.baseAddress, $0.count, &sender)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            let text = String(decoding: buffer.prefix(count), as: UTF8.self)
            if let message = Self.parse(text, from: sender) { return message }
        }
    }

    /// nil for a message that says nothing that is known here.
    static func parse(_ text: String, from sender: pid_t) -> Message? {
        var message = Message(sender: sender, isReady: false, status: nil, notice: nil)
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let value = String(line[line.index(after: equals)...])
            switch line[..<equals] {
            case "READY": message.isReady = value == "1"
            case "STATUS": message.status = value
            case ServiceNotification.noticeKey: message.notice = value
            default: break
            }
        }
        return message.isReady || message.status != nil ? message : nil
    }

    /// A path that starts with `@` names a socket in the abstract namespace, as in sd_notify(3).
    static func address(_ path: String) -> (sockaddr_un, socklen_t)? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return (address, socklen_t(MemoryLayout<sa_family_t>.size + bytes.count))
    }
}
