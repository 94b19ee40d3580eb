import ArgumentParser
import Testing

@testable import martlet

@Suite("Names of nodes and addresses that are published") struct NodeNameTests {
    @Test(arguments: [
        ("edge-2", "edge-2"), ("Edge.Example.COM", "edge.example.com"), ("My_Host", "my-host"), ("_host_", "host"),
        ("a..b", "a.b"), ("a-.-b", "a.b"), ("---", "localhost"), ("", "localhost"), ("höst", "h--st"),
        (String(repeating: "a", count: 70), String(repeating: "a", count: 63)),
        (String(repeating: "a", count: 62) + ".b", String(repeating: "a", count: 62)),
    ])
    func `a host name is brought into the form of a node's name`(host: String, name: String) {
        #expect(NodeName.adapted(host) == name)
        #expect(NodeName.problem(name) == nil)
    }

    @Test(arguments: ["UP_PER", "Up", "a_b", "", "-a", String(repeating: "a", count: 64)])
    func `a flag with a name that no node can have is refused with the reason`(name: String) {
        #expect(NodeName.problem(name) != nil)
        #expect(throws: (any Error).self) { try NodeOptions.parse(["--node-name", name]) }
    }

    @Test func `a name that a node can have is taken`() throws {
        #expect(try NodeOptions.parse(["--node-name", "edge-2.example"]).nodeName == "edge-2.example")
    }

    @Test func `only addresses and names are published`() {
        #expect(PublishedAddresses.problem(["192.0.2.1", "2001:db8::1", "lb.example.com"]) == nil)
        #expect(PublishedAddresses.problem(["192.0.2.1", "a_b"])?.contains("--publish-address: \"a_b\"") == true)
        #expect(throws: (any Error).self) { try UpCommand.parse(["--publish-address", "a_b"]) }
        #expect(throws: (any Error).self) { try ControllerCommand.parse(["ingress", "--publish-address", "a_b"]) }
    }
}
