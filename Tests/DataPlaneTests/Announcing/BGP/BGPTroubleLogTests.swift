import Announcement
import Testing

@testable import DataPlane

@Suite("Troubles with a BGP peer are told once") struct BGPTroubleLogTests {
    @Test func `each kind is told once until a session stands`() {
        var log = BGPTroubleLog()
        #expect(log.tells(.unreachable("refused")))
        #expect(!log.tells(.unreachable("no answer in time")))
        #expect(log.tells(.notified(.badPeerAS, in: .openConfirm)))
        #expect(!log.tells(.notified(.badPeerAS, in: .openSent)))
        #expect(log.tells(.refused(.badPeerAS, in: .openSent)))
        #expect(!log.tells(.stopped))
        #expect(log.recovers())
        #expect(!log.recovers())
        #expect(log.tells(.unreachable("refused")))
    }

    @Test func `a peer that makes up numbers is told of a few times`() {
        var log = BGPTroubleLog()
        let told = (0..<1000).filter {
            log.tells(.notified(BGPNotification(code: UInt8($0 / 250), subcode: UInt8($0 % 250)), in: .openSent))
        }
        #expect(told.count == 8)
    }
}
