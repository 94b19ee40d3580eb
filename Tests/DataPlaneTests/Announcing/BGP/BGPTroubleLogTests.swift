import Announcement
import Testing

@testable import DataPlane

@Suite("Troubles with a BGP peer are told once") struct BGPTroubleLogTests {
    @Test func `each kind is told once until a session stands`() {
        var log = BGPTroubleLog()
        let ends: [(BGPSessionEnd, Bool)] = [
            (.unreachable("refused"), true), (.unreachable("no answer in time"), false),
            (.notified(.badPeerAS, in: .openConfirm), true), (.notified(.badPeerAS, in: .openSent), false),
            (.refused(.badPeerAS, in: .openSent), true), (.stopped, false),
        ]
        for (end, isTold) in ends {
            let tells = log.tells(end)
            #expect(tells == isTold, "\(end)")
        }
        let (first, second) = (log.recovers(), log.recovers())
        #expect(first && !second)
        let again = log.tells(.unreachable("refused"))
        #expect(again)
    }

    @Test func `a peer that makes up numbers is told of a few times`() {
        var log = BGPTroubleLog()
        var told = 0
        for number in 0..<1000 {
            let notification = BGPNotification(code: UInt8(number / 250), subcode: UInt8(number % 250))
            if log.tells(.notified(notification, in: .openSent)) { told += 1 }
        }
        #expect(told == 8)
    }
}
