import NetworkTypes
import System
import Testing

@testable import martlet

@Suite("Whom martlet up serves") struct ReachTests {
    @Test func `everybody where ports below 1024 may be had, this machine otherwise`() {
        #expect(Reach(.lowPorts, isLocalOnly: false) == .network)
        #expect(Reach([.lowPorts, .networkAdministration], isLocalOnly: true) == .machine)
        #expect(Reach(.networkAdministration, isLocalOnly: false) == .machine)
        #expect(Reach([], isLocalOnly: false) == .machine)
        #expect(Reach.machine.bindAddress == "127.0.0.1")
        #expect(Reach.machine.proxyAddresses == ["127.0.0.1"])
    }

    @Test func `what the kernel says of privileges is read`() {
        let text = "Name:\tmartlet\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000400\nCapBnd:\t000001ffffffffff\n"
        #expect(Privileges(processStatus: text) == .lowPorts)
        #expect(Privileges(processStatus: "CapEff:\t0000000000001400\n") == [.lowPorts, .networkAdministration])
    }

    @Test(arguments: ["", "CapEff:", "CapEff:\tall\n", "CapEff:\t-1\n", "CapEff:\t1ffffffffffffffff\n"])
    func `what cannot be read is no privilege`(text: String) {
        #expect(Privileges(processStatus: text).isEmpty)
    }

    private static let local = ["127.0.0.1", "::1", "169.254.3.4", "fe80::7", "192.0.2.7", "192.0.2.9", "2001:db8::7"]
        .compactMap { IPAddress($0) }

    @Test(arguments: [
        (["0.0.0.0", "::"], ["192.0.2.7", "2001:db8::7"]), (["0.0.0.0"], ["192.0.2.7"]), (["::"], ["2001:db8::7"]),
        (["192.0.2.9"], ["192.0.2.9"]), (["192.0.2.7", "0.0.0.0"], ["192.0.2.7"]), (["127.0.0.1"], ["127.0.0.1"]),
    ])
    func `Ingresses are told the addresses that clients reach`(listening: [String], published: [String]) {
        let addresses = UpCommand.published(
            listening: listening.compactMap { IPAddress($0) }, local: Self.local, leaving: [])
        #expect(addresses.map(\.description) == published)
    }

    /// A bridge of containers has a lower address than the network card, as often as not.
    @Test func `the address that packets leave from is the machine's, where it is one of its own`() {
        let all = ["0.0.0.0", "::"].compactMap { IPAddress($0) }
        func published(leaving: String...) -> [String] {
            UpCommand.published(listening: all, local: Self.local, leaving: leaving.compactMap { IPAddress($0) })
                .map(\.description)
        }
        #expect(published(leaving: "192.0.2.9") == ["192.0.2.9", "2001:db8::7"])
        #expect(published(leaving: "127.0.0.1", "fe80::7", "203.0.113.1") == ["192.0.2.7", "2001:db8::7"])
    }

    @Test func `a machine without a network publishes nothing of its own`() {
        #expect(UpCommand.published(listening: [.loopbackV4], local: [], leaving: []) == [.loopbackV4])
        #expect(
            UpCommand.published(listening: ["0.0.0.0"].compactMap { IPAddress($0) }, local: [.loopbackV4], leaving: [])
                .isEmpty)
    }
}
