import Glibc
import NetworkTypes
import Testing

@testable import Transport

@Suite("A listener on every address")
struct EveryAddressTests {
    private func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private func listener(_ address: String) throws -> EveryAddress<SocketAddress> {
        try EveryAddress(try #require(SocketAddress(address))) { address throws(TransportError) in
            try Socket.listen(address)
        }
    }

    @Test func `it has a socket for each address of its family, and follows them`() throws {
        var listener = try listener("0.0.0.0:6443")
        var closed: [SocketAddress] = []
        let first = [try ip("127.0.0.1"), try ip("::1"), try ip("192.0.2.1")]
        #expect(listener.follow(first, open: { $0 }, close: { closed.append($0) }).isEmpty)
        #expect(Set(listener.opened.values.map(\.description)) == ["127.0.0.1:6443", "192.0.2.1:6443"])
        let then = [try ip("127.0.0.1"), try ip("192.0.2.2")]
        #expect(listener.follow(then, open: { $0 }, close: { closed.append($0) }).isEmpty)
        #expect(closed.map(\.description) == ["192.0.2.1:6443"])
        #expect(Set(listener.opened.values.map(\.description)) == ["127.0.0.1:6443", "192.0.2.2:6443"])
    }

    @Test func `an address that cannot be opened is told once and tried again`() throws {
        var listener = try listener("[::]:53")
        let own = [try ip("::1")]
        var tries = 0
        func refuse(_: SocketAddress) throws(TransportError) -> SocketAddress {
            tries += 1
            throw TransportError(.addressInUse, "taken")
        }
        #expect(listener.follow(own, open: refuse, close: { _ in }).map(\.address.description) == ["[::1]:53"])
        #expect(listener.follow(own, open: refuse, close: { _ in }).isEmpty)
        #expect(tries == 2)
        #expect(listener.follow(own, open: { $0 }, close: { _ in }).isEmpty)
        #expect(listener.opened.count == 1)
        // News again, once it had been open.
        #expect(listener.follow([], open: { $0 }, close: { _ in }).isEmpty)
        #expect(listener.follow(own, open: refuse, close: { _ in }).count == 1)
    }

    @Test func `an address that the machine does not have any more is no trouble`() throws {
        var listener = try listener("0.0.0.0:53")
        let news = listener.follow(
            [try ip("192.0.2.1")],
            open: { _ throws(TransportError) in throw TransportError(.system(errno: EADDRNOTAVAIL), "gone") },
            close: { _ in })
        #expect(news.isEmpty && listener.opened.isEmpty)
    }

    @Test func `a port of its own is chosen for all addresses`() throws {
        #expect(try listener("0.0.0.0:0").address.port != 0)
        #expect(try listener("0.0.0.0:77").address.port == 77)
    }
}
