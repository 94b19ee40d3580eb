import NetworkTypes
import Testing

@testable import Transport

@Suite("Who may connect") struct ConnectionAdmissionTests {
    private func address(_ text: String) -> IPAddress { IPAddress(text) ?? .anyV4 }

    @Test func `one peer gets its share, others the rest, and the unix socket has its own`() {
        var admission = ConnectionAdmission(.init(network: 4, perPeer: 2, local: 1))
        let answer1 = admission.admit(address("192.0.2.1"))
        #expect(answer1 == .admitted)
        let answer2 = admission.admit(address("192.0.2.1"))
        #expect(answer2 == .admitted)
        let answer3 = admission.admit(address("192.0.2.1"))
        #expect(answer3 == .peerHasItsShare)
        let answer4 = admission.admit(address("192.0.2.2"))
        #expect(answer4 == .admitted)
        let answer5 = admission.admit(address("192.0.2.3"))
        #expect(answer5 == .admitted)
        #expect(!admission.hasRoom(isLocal: false))
        let answer6 = admission.admit(address("192.0.2.4"))
        #expect(answer6 == .full)
        let answer7 = admission.admit(nil)
        #expect(answer7 == .admitted)
        let answer8 = admission.admit(nil)
        #expect(answer8 == .full)
        admission.leave(address("192.0.2.1"))
        let answer9 = admission.admit(address("192.0.2.1"))
        #expect(answer9 == .admitted)
        admission.leave(nil)
        let answer10 = admission.admit(nil)
        #expect(answer10 == .admitted)
        #expect(admission.networkCount == 4)
        #expect(admission.localCount == 1)
    }

    @Test(arguments: [
        ("2001:db8::1", "2001:db8::ffff:1", true), ("2001:db8::1", "2001:db8:0:1::1", false),
        ("::ffff:192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("::c000:201", "192.0.2.1", false),
    ])
    func `a subscriber's IPv6 addresses are one peer`(a: String, b: String, isSame: Bool) {
        #expect((PeerKey(address(a)) == PeerKey(address(b))) == isSame)
    }

    @Test func `who left is forgotten`() {
        var admission = ConnectionAdmission(.init(network: 100, perPeer: 1))
        for index in 0..<10_000 {
            let peer = IPAddress(v4: UInt32(index))
            let answer11 = admission.admit(peer)
            #expect(answer11 == .admitted)
            admission.leave(peer)
        }
        #expect(admission.networkCount == 0)
        #expect(admission.peerCount == 0)
    }
}
