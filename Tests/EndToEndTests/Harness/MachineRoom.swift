import Foundation
import Testing

/// Machines on one wire: namespaces of their own, each with an interface `eth0` on a bridge in another one.
final class MachineRoom: Sendable {
    let machines: [OwnNetwork]
    private let bridge: OwnNetwork

    private init(bridge: OwnNetwork, machines: [OwnNetwork]) {
        self.bridge = bridge
        self.machines = machines
    }

    /// The addresses of a machine; the first has number 0.
    static func address(_ number: Int) -> String { "10.99.0.\(number + 1)" }
    static func address6(_ number: Int) -> String { "2001:db8:99::\(number + 1)" }

    static func make(_ count: Int) async throws -> MachineRoom {
        let bridge = try await OwnNetwork.make()
        var machines: [OwnNetwork] = []
        for _ in 0..<count { machines.append(try await OwnNetwork.make()) }
        let room = MachineRoom(bridge: bridge, machines: machines)
        do {
            try await room.connect()
        } catch {
            try await room.remove()
            throw error
        }
        return room
    }

    private func connect() async throws {
        func run(_ network: OwnNetwork, _ line: String) async throws {
            let output = try await network.run(["ip"] + line.split(separator: " ").map(String.init))
            try #require(output.succeeded, "ip \(line): \(output)")
        }
        try await run(bridge, "link add bridge type bridge")
        try await run(bridge, "link set bridge up")
        for (number, machine) in machines.enumerated() {
            try await run(bridge, "link add port\(number) type veth peer name eth0 netns \(machine.name)")
            try await run(bridge, "link set port\(number) master bridge up")
            try await run(machine, "address add \(Self.address(number))/24 dev eth0")
            try await run(machine, "address add \(Self.address6(number))/64 dev eth0 nodad")
            try await run(machine, "link set eth0 up")
        }
    }

    /// Cuts a machine's cable: nobody is told.
    func unplug(_ number: Int) async throws {
        try #require(try await bridge.run(["ip", "link", "set", "port\(number)", "nomaster"]).succeeded)
    }

    func remove() async throws {
        for machine in machines { try await machine.remove() }
        try await bridge.remove()
    }
}
