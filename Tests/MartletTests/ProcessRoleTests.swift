import ArgumentParser
import DataPlane
import System
import Testing

@testable import martlet

@Suite("Which privileges a process keeps") struct ProcessRoleTests {
    private static let network: Privileges = [.networkAdministration, .lowPorts, .rawPackets]

    private static let rows: [(line: String, kept: Privileges)] = [
        ("up", network.union(.boundingSet)), ("join", network.union(.boundingSet)), ("dataplane", network),
        ("up --socket-mode", network.union([.boundingSet, .programs])),
        ("dataplane --socket-mode", network.union(.programs)),
        ("dataplane --cleanup", network.union([.programs, .systemAdministration])), ("apiserver", []),
        ("apiserver --secure-port 443", .lowPorts), ("apiserver --secure-port 0", []), ("controller endpoints", []),
    ]

    @Test(arguments: rows) func `each process has its row`(line: String, kept: Privileges) throws {
        let command = try Martlet.parseAsRoot(line.split(separator: " ").map(String.init))
        let role = (command as? any ConfinedCommand)?.role
        #expect(role?.privileges == kept)
    }

    @Test(arguments: [["dns", "dump"], ["dataplane", "dump"], ["token", "list"]])
    func `tools are what their caller is`(line: [String]) throws {
        #expect(!(try Martlet.parseAsRoot(line) is any ConfinedCommand))
    }

    @Test func `what a supervisor keeps is enough for all that it starts`() {
        for leadsSockets in [false, true] {
            let supervisor = ProcessRole.supervisor(leadsSockets: leadsSockets).privileges
            for role in [ProcessRole.apiServer(port: 443), .controllers, .dataPlane(leadsSockets: leadsSockets)] {
                #expect(supervisor.isSuperset(of: role.privileges))
            }
        }
    }
}
