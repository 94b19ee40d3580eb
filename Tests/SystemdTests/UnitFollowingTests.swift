import Testing

@testable import Systemd

@Suite("Which units are read when") struct UnitFollowingTests {
    private typealias Action = UnitFollowing.Action

    private let active = UnitState(id: "shop.service", activeState: "active", subState: "running")
    private let stopped = UnitState(id: "shop.service", activeState: "inactive", subState: "dead")

    /// Follows one unit, connected, its state told.
    private func connected(_ state: UnitState? = nil) -> UnitFollowing {
        var following = UnitFollowing()
        _ = following.handle(.follow(["shop.service"]), now: .zero)
        _ = following.handle(.opened, now: .zero)
        _ = following.handle(.read(unit: "shop.service", state ?? active), now: .zero)
        return following
    }

    private let path = "/org/freedesktop/systemd1/unit/shop_2eservice"

    @Test func `nothing is opened before there is a unit, and it is closed after the last`() {
        var following = UnitFollowing()
        #expect(following.handle(.tick, now: .zero) == [])
        #expect(following.deadline == nil)
        #expect(following.handle(.follow(["shop.service"]), now: .zero) == [.open])
        #expect(following.handle(.tick, now: .zero) == [], "once is enough")
        #expect(following.handle(.opened, now: .zero) == [.subscribe, .read(unit: "shop.service")])
        #expect(
            following.handle(.read(unit: "shop.service", active), now: .zero) == [
                .tell(unit: "shop.service", .known(active))
            ])
        #expect(following.handle(.follow([]), now: .zero) == [.close])
        #expect(following.deadline == nil)
    }

    @Test func `a signal has the unit read again, one read at a time and not without pause`() {
        var following = connected()
        #expect(following.handle(.changed(path: path), now: .milliseconds(200)) == [.read(unit: "shop.service")])
        #expect(following.handle(.changed(path: path), now: .milliseconds(201)) == [], "one is under way")
        #expect(
            following.handle(.read(unit: "shop.service", stopped), now: .milliseconds(202)) == [
                .tell(unit: "shop.service", .known(stopped))
            ])
        #expect(following.deadline == .milliseconds(300))
        #expect(following.handle(.tick, now: .milliseconds(300)) == [.read(unit: "shop.service")])
        #expect(following.handle(.read(unit: "shop.service", stopped), now: .milliseconds(301)) == [], "no news")
        #expect(following.handle(.changed(path: path + "_2e"), now: .seconds(1)) == [], "of another unit")
    }

    @Test func `an alias is heard of under the first name too`() {
        var following = connected(UnitState(id: "store.service", activeState: "active"))
        #expect(
            following.handle(.changed(path: UnitName.objectPath("store.service")), now: .seconds(1)) == [
                .read(unit: "shop.service")
            ])
    }

    @Test func `reading a unit that is not in use loads it, which has it read no second time`() {
        var following = connected(stopped)
        #expect(following.handle(.loaded(path: path), now: .seconds(1)) == [], "by the read itself")
        #expect(following.handle(.loaded(path: path), now: .seconds(2)) == [.read(unit: "shop.service")], "by somebody")
        _ = following.handle(.read(unit: "shop.service", stopped), now: .seconds(2))
        #expect(following.handle(.loaded(path: path), now: .seconds(3)) == [])
    }

    @Test func `a unit that is lost for a moment is what it was, and after a while unknown, which is said once`() {
        var following = connected()
        #expect(following.handle(.lost("gone"), now: .seconds(1)) == [])
        var actions: [Action] = []
        var now = Duration.seconds(1)
        while now < .seconds(20), let next = following.deadline {
            now = max(now, next)
            for action in following.handle(.tick, now: now) {
                if action == .open {
                    _ = following.handle(.lost("still gone"), now: now)
                } else {
                    actions.append(action)
                }
            }
        }
        #expect(actions == [.tell(unit: "shop.service", .unknown("still gone"))])
        now += UnitFollowing.longestOpenPause
        #expect(following.handle(.tick, now: now) == [.open])
        #expect(following.handle(.opened, now: now) == [.subscribe, .read(unit: "shop.service")])
        #expect(
            following.handle(.read(unit: "shop.service", active), now: now) == [
                .tell(unit: "shop.service", .known(active))
            ])
    }

    @Test func `a systemd that replaces itself is asked again`() {
        var following = connected()
        #expect(following.handle(.owned(false), now: .seconds(1)) == [])
        #expect(following.handle(.owned(true), now: .seconds(2)) == [.subscribe, .read(unit: "shop.service")])
        #expect(following.handle(.read(unit: "shop.service", active), now: .seconds(2)) == [])
        #expect(following.deadline == .seconds(2) + UnitFollowing.period)
        #expect(following.handle(.reloaded, now: .seconds(3)) == [.read(unit: "shop.service")])
    }

    @Test func `a read that fails is tried again, and after a while nothing is known`() {
        var following = connected()
        #expect(following.handle(.changed(path: path), now: .seconds(10)) == [.read(unit: "shop.service")])
        #expect(following.handle(.readFailed(unit: "shop.service", "no answer"), now: .seconds(14)) == [])
        #expect(following.handle(.tick, now: .seconds(15)) == [.read(unit: "shop.service")])
        #expect(
            following.handle(.readFailed(unit: "shop.service", "no answer"), now: .seconds(19)) == [
                .tell(unit: "shop.service", .unknown("no answer"))
            ])
    }

    @Test(arguments: [
        ("shop.service", "shop_2eservice"), ("shop@1.service", "shop_401_2eservice"),
        ("1a-b.socket", "_31a_2db_2esocket"),
    ])
    func `names become objects' paths`(name: String, path: String) {
        #expect(UnitName.objectPath(name) == "/org/freedesktop/systemd1/unit/" + path)
    }
}
