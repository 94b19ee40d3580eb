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
}
