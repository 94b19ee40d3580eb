import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("The Node of a data plane") struct NodeRegistrationTests {
    @Test func `it says where names are answered and whom it was told to ask, and nothing of what there is not`() {
        let place = NodeNameServer(address: SocketAddress(ip: IPAddress(v4: 0x0a00_0001), port: 53))
        let document = NodeRegistration.document(
            name: "n", nameServers: [place], nameUpstreams: ["192.0.2.1:53", "tls://192.0.2.2:853"])
        let said = document["metadata"]["annotations"]
        #expect(said[NodeNameServer.annotation].string == "10.0.0.1:53")
        #expect(said[NodeNameServer.upstreamsAnnotation].string == "192.0.2.1:53,tls://192.0.2.2:853")
        let silent = NodeRegistration.document(name: "n")["metadata"]["annotations"]
        #expect(silent[NodeNameServer.annotation].string == nil)
        #expect(silent[NodeNameServer.upstreamsAnnotation].string == nil)
    }
}
