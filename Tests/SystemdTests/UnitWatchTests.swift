import Glibc
import Synchronization
import Testing

@testable import Systemd

/// The real thread and libsystemd, on a bus of the test's own.
@Suite(
    "Units are followed over D-Bus", .serialized,
    .enabled(if: dlopen("libsystemd.so.0", RTLD_NOW) != nil, "needs libsystemd"))
struct UnitWatchTests {
    private final class Sights: Sendable {
        let all = Mutex<[UnitSight]>([])
    }

    private let path = UnitName.objectPath("shop.service")
    private let running = ["Id": "shop.service", "LoadState": "loaded", "ActiveState": "active", "SubState": "running"]

    private func eventually(_ what: String, _ isSo: () -> Bool) async throws {
        for _ in 0..<1500 {
            if isSo() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("\(what) did not come")
    }

    private func with(_ body: (FakeBus, UnitWatch, Sights) async throws -> Void) async throws {
        let bus = try FakeBus()
        defer { bus.stop() }
        setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address, 1)
        defer { unsetenv("DBUS_SYSTEM_BUS_ADDRESS") }
        let sights = Sights()
        let watch = try UnitWatch(.system) { _, sight in sights.all.withLock { $0.append(sight) } }
        defer { watch.stop() }
        try await body(bus, watch, sights)
    }

    private func state(_ sights: Sights) -> String? {
        guard case .known(let state) = sights.all.withLock({ $0.last }) else { return nil }
        return state.activeState
    }

    @Test func `what a unit says is heard, and what it says next`() async throws {
        try await with { bus, watch, sights in
            bus.set(path, running)
            #expect(bus.state.withLock { $0.connections } == 0, "nobody connects for nothing")
            try watch.follow(["shop.service"])
            try await eventually("the first state") { state(sights) == "active" }
            bus.set(path, ["Id": "shop.service", "ActiveState": "failed", "Result": "exit-code", "Other": "x"])
            try await eventually("the next state") { state(sights) == "failed" }
            guard case .known(let last) = sights.all.withLock({ $0.last }) else { return }
            #expect(last.result == "exit-code")
            #expect(bus.state.withLock { $0.calls.contains("Subscribe /org/freedesktop/systemd1") })
        }
    }

    @Test func `a connection that ends, and a systemd that goes and comes, are healed without a word`() async throws {
        try await with { bus, watch, sights in
            bus.set(path, running)
            try watch.follow(["shop.service"])
            try await eventually("the first state") { state(sights) == "active" }
            bus.drop()
            try await eventually("another connection") { bus.state.withLock { $0.connections } == 2 }
            bus.set(path, ["Id": "shop.service", "ActiveState": "inactive"])
            try await eventually("what changed since") { state(sights) == "inactive" }
            bus.own(false)
            bus.state.withLock { $0.units[path] = running }
            bus.own(true)
            try await eventually("what the new one says") { state(sights) == "active" }
            #expect(sights.all.withLock { $0.count } == 3, "nothing else was said")
        }
    }

    @Test func `a systemd that does not answer, or with an error, is unknown, and said to be so once`() async throws {
        try await with { bus, watch, sights in
            try watch.follow(["shop.service"])
            try await eventually("a word") { sights.all.withLock { !$0.isEmpty } }
            #expect(sights.all.withLock { $0 } == [.unknown("systemd does not say: there is no such unit")])
            bus.set(path, running)
            try await eventually("the state") { state(sights) == "active" }
            bus.state.withLock { $0.isMute = true }
            bus.set(path, running)
            try await eventually("silence to be noticed") {
                if case .unknown = sights.all.withLock({ $0.last }) { true } else { false }
            }
            bus.state.withLock { $0.isMute = false }
            try await eventually("the state") { state(sights) == "active" }
            #expect(sights.all.withLock { $0.count } == 4)
        }
    }

    @Test func `what is no D-Bus ends the connection, and nothing else`() async throws {
        try await with { bus, watch, sights in
            bus.set(path, running)
            try watch.follow(["shop.service"])
            try await eventually("the first state") { state(sights) == "active" }
            bus.send(Array("GET / HTTP/1.1\r\nHost: martlet and more than sixteen bytes\r\n\r\n".utf8))
            try await eventually("another connection") { bus.state.withLock { $0.connections } == 2 }
            bus.set(path, ["Id": "shop.service", "ActiveState": "inactive"])
            try await eventually("the state") { state(sights) == "inactive" }
        }
    }
}
