import NetworkTypes
import ProxyEngine
import Testing

@testable import DataPlane

@Suite("The L7 proxy listens where it is told, and nowhere else")
struct IngressListenersTests {
    private let own: Set<IPAddress> = [
        .loopbackV4, IPAddress("192.0.2.1")!, IPAddress("2001:db8::1")!,
    ]

    private func listener(_ address: String, _ scheme: ProxyConfiguration.Listener.Scheme = .http)
        -> ProxyConfiguration.Listener
    {
        ProxyConfiguration.Listener(address: SocketAddress(address)!, scheme: scheme)
    }

    @Test func `every address means each address of this machine, and no cluster IP`() throws {
        let listeners = try IngressListeners([listener("0.0.0.0:8080"), listener("[::]:8443", .https)])
        #expect(
            listeners.sockets(on: own) == [
                listener("127.0.0.1:8080"), listener("192.0.2.1:8080"), listener("[2001:db8::1]:8443", .https),
            ])
        #expect(listeners.text(bound: [:]) == "0.0.0.0:8080, [::]:8443 (TLS)")
    }

    @Test func `one family is told of behind the other`() throws {
        let listeners = try IngressListeners([
            listener("0.0.0.0:80"), listener("[::]:80"), listener("0.0.0.0:443", .https), listener("[::]:443", .https),
        ])
        #expect(listeners.text(bound: [:]) == "0.0.0.0:80, 0.0.0.0:443 (TLS), [::]:80, [::]:443 (TLS)")
    }

    @Test func `an address that is named is taken as it is, once`() throws {
        let listeners = try IngressListeners([listener("192.0.2.1:80"), listener("0.0.0.0:80")])
        #expect(listeners.sockets(on: own) == [listener("192.0.2.1:80"), listener("127.0.0.1:80")])
    }

    @Test func `a port that the kernel chooses is the same on every address`() throws {
        let listeners = try IngressListeners([listener("0.0.0.0:0")])
        let ports = Set(listeners.sockets(on: own).map(\.address.port))
        #expect(ports.count == 1 && ports.first?.rawValue != 0)
    }
}
