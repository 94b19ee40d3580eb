import Glibc
import Testing

@testable import martlet

@Suite("Services tell their supervisor how they are")
struct ServiceNotificationTests {
    @Test func `a message carries readiness and status, and the sender that the kernel names`() {
        let message = NotificationSocket.parse("READY=1\nSTATUS=serving a=b\nX_MARTLET_NAME=apiserver", from: 42)
        #expect(message == .init(sender: 42, isReady: true, status: "serving a=b"))
    }

    @Test(arguments: ["", "READY=0", "nonsense", "=\n=", "X_MARTLET_NAME=apiserver"])
    func `a message that says nothing is ignored`(text: String) {
        #expect(NotificationSocket.parse(text, from: 42) == nil)
    }

    @Test func `the process that sent a message is told by the kernel, not by the message`() throws {
        let socket = try #require(NotificationSocket(identifier: "test-\(getpid())-\(UInt32.random(in: 0 ... .max))"))
        let (target, length) = try #require(NotificationSocket.address(socket.path))
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var address = target
        let text = Array("STATUS=hello\nMAINPID=1".utf8)
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, text, text.count, 0, $0, length)
            }
        }
        #expect(sent == text.count)
        #expect(socket.receive() == .init(sender: getpid(), isReady: false, status: "hello"))
    }

    @Test func `an address longer than the kernel allows is refused`() {
        #expect(NotificationSocket.address(String(repeating: "x", count: 200)) == nil)
        #expect(NotificationSocket.address("@short") != nil)
    }
}
