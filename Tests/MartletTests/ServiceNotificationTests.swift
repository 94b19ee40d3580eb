import Testing

@testable import martlet

@Suite("Notifications of readiness") struct ServiceNotificationTests {
    @Test func `a message carries the name, readiness and status`() {
        let message = NotificationSocket.parse("READY=1\nSTATUS=serving a=b\nX_MARTLET_NAME=apiserver")
        #expect(message == .init(name: "apiserver", isReady: true, status: "serving a=b"))
    }

    @Test(arguments: ["", "READY=1", "nonsense", "=\n=", "X_MARTLET_NAME="])
    func `a message without a name is ignored`(text: String) {
        #expect(NotificationSocket.parse(text) == nil)
    }

    @Test func `an address longer than the kernel allows is refused`() {
        #expect(NotificationSocket.address(String(repeating: "x", count: 200)) == nil)
        #expect(NotificationSocket.address("@short") != nil)
    }
}
