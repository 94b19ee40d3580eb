import NetworkTypes
import Testing
import Transport

@testable import martlet

@Suite("The serving certificate names what clients call the server")
struct ServerNamesTests {
    private func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private func names(_ bind: String, local: [String] = [], further: [String] = []) throws -> ServerNames {
        ServerNames(
            bindAddress: try ip(bind), nodeName: "edge-1", local: try local.map { try ip($0) }, further: further)
    }

    @Test func `a server of one address names that and the loopback`() throws {
        let names = try names("192.0.2.7", local: ["127.0.0.1", "192.0.2.7", "198.51.100.1"])
        #expect(names.addresses == [try ip("127.0.0.1"), try ip("::1"), try ip("192.0.2.7")])
        #expect(names.names.contains("edge-1") && names.names.contains("kubernetes.default.svc"))
    }

    @Test(arguments: ["0.0.0.0", "::"])
    func `a server of every address names all of the machine's`(bind: String) throws {
        let names = try names(bind, local: ["127.0.0.1", "192.0.2.7", "2001:db8::7"])
        #expect(names.addresses == [try ip("127.0.0.1"), try ip("::1"), try ip("192.0.2.7"), try ip("2001:db8::7")])
    }

    @Test func `further names and addresses are added once`() throws {
        let names = try names("127.0.0.1", further: ["api.example.com", "203.0.113.9", "localhost", "::1"])
        #expect(names.names.filter { $0 == "localhost" }.count == 1)
        #expect(names.names.last == "api.example.com")
        #expect(names.addresses.last == (try ip("203.0.113.9")))
    }

    @Test(arguments: [
        ("api.example.com", true), ("*.example.com", true), ("*", false), ("a..b", false), ("-a", false),
        ("a b", false),
        ("", false), ("a_b", false),
    ])
    func `only DNS names go into a certificate`(text: String, isName: Bool) {
        #expect(ServerNames.isName(text) == isName)
    }

    @Test func `this machine has its loopback address`() throws {
        #expect(MachineAddresses.current.contains(try ip("127.0.0.1")))
    }
}
