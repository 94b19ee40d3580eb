import ArgumentParser
import Testing

@testable import martlet

@Suite("martlet dataplane dump reads its options wherever they stand")
struct DumpCommandTests {
    @Test(arguments: [
        ["dataplane", "dump", "--node-name", "edge-1", "shop/web"],
        ["dataplane", "dump", "shop/web", "--node-name=edge-1"],
        ["dataplane", "--node-name", "edge-1", "dump", "shop/web"],
    ])
    func `the node is that which is named`(arguments: [String]) throws {
        let command = try #require(try Martlet.parseAsRoot(arguments) as? DumpCommand)
        #expect(command.node.nodeName == "edge-1")
        #expect(command.service == "shop/web")
        #expect(command.nodePorts.nodeportAddresses == nil)
    }

    @Test(arguments: [
        ["dataplane", "dump", "--nodeport-addresses", "192.0.2.0/24"],
        ["dataplane", "--nodeport-addresses=192.0.2.0/24", "dump"],
    ])
    func `node ports are asked about on the networks that are named`(arguments: [String]) throws {
        let command = try #require(try Martlet.parseAsRoot(arguments) as? DumpCommand)
        #expect(command.nodePorts.nodeportAddresses?.description == "192.0.2.0/24")
    }
}
