import NetworkTypes
import Testing
import TrafficModel

@Suite("A node knows which endpoints are its own")
struct NodeIdentityTests {
    private let node = NodeIdentity(name: "here", ownAddresses: [IPAddress("192.0.2.1")!])

    @Test(
        arguments: [
            ("192.0.2.1:80", nil, true), ("127.0.61.9:80", nil, true), ("[::1]:80", "", true),
            ("192.0.2.2:80", nil, false),
            ("192.0.2.2:80", "here", true), ("192.0.2.1:80", "there", false), ("127.0.0.1:80", "there", false),
        ] as [(String, String?, Bool)])
    func `by its name, else by its address`(address: String, nodeName: String?, isHome: Bool) throws {
        let endpoint = ServiceEndpoint(address: try #require(SocketAddress(address)), nodeName: nodeName)
        #expect(node.isHome(of: endpoint) == isHome)
    }

    @Test func `an API server that tells of an address of the network may have its port on all of this machine's`()
        throws
    {
        func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
        func sockets(_ texts: String...) throws -> Set<SocketAddress> {
            Set(try texts.map { try #require(SocketAddress($0)) })
        }
        let own: Set<IPAddress> = [try ip("127.0.0.1"), try ip("192.0.2.1"), try ip("::1")]
        func reserved(_ text: String) throws -> Set<SocketAddress> {
            NodeIdentity.apiServers(at: [try #require(SocketAddress(text))], own: own)
        }
        #expect(try reserved("192.0.2.1:6443") == sockets("127.0.0.1:6443", "192.0.2.1:6443"))
        #expect(try reserved("127.0.0.1:6443") == sockets("127.0.0.1:6443"))
        #expect(try reserved("192.0.2.9:6443").isEmpty)
    }
}
