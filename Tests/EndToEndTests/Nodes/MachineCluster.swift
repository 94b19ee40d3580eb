import Foundation
import Synchronization
import Testing

/// The processes of a test in a room, and the folder where they keep their data.
final class MachineCluster: Sendable {
    let room: MachineRoom
    let binary: String
    let folder = URL(filePath: "/tmp/martlet-e2e-\(UUID().uuidString.prefix(8))")
    private let programs = Mutex<[Program]>([])

    init(_ room: MachineRoom) throws {
        self.room = room
        binary = try MartletServer.builtProduct("martlet")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    @discardableResult
    func start(_ machine: Int, _ arguments: [String]) throws -> Program {
        let program = try room.machines[machine].start([binary] + arguments)
        programs.withLock { $0.append(program) }
        return program
    }

    /// `martlet up` on machine 0, with no flag that says where.
    func up(_ flags: [String] = []) async throws {
        let program = try start(
            0, ["up", "--data-dir", folder.appending(path: "server").path, "--node-name", "one"] + flags)
        try await ready(program)
    }

    func join(_ machine: Int, name: String, _ flags: [String] = []) async throws -> Program {
        let line = ["token", "create", "--print-join-command", "--kubeconfig", kubeconfig]
        try await eventually(within: .seconds(30), "cluster-info") { [room, binary] in
            try await room.machines[0].run([binary] + line).succeeded
        }
        let text = try await room.machines[0].run([binary] + line).out
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        try #require(words.count > 3 && words[2] == "https://\(MachineRoom.address(0)):6443", "\(text)")
        let program = try start(
            machine,
            words.dropFirst() + ["--data-dir", folder.appending(path: name).path, "--node-name", name] + flags)
        try await ready(program)
        return program
    }

    private func ready(_ program: Program) async throws {
        try await eventually(within: .seconds(60), "martlet to be ready") {
            guard program.isRunning else { throw Program.Failure(description: "it ended\n\(program.output)") }
            return program.output.out.contains("martlet is ready")
        }
    }

    /// The administrator's.
    var kubeconfig: String { folder.appending(path: "server/admin.kubeconfig").path }

    func kubectl(_ arguments: String..., input: String? = nil) async throws -> Program.Output {
        let line = ["netns", "exec", room.machines[0].name, "kubectl", "--kubeconfig", kubeconfig] + arguments
        return try await Program("ip", line, input: input).ended()
    }

    /// A backend on a machine, registered as a Pod of its node.
    func backend(_ name: String, on machine: Int, node: String, isIPv6: Bool = false) async throws {
        let address = isIPv6 ? MachineRoom.address6(machine) : MachineRoom.address(machine)
        try start(machine, ["echo", "--name", name, "--listen", isIPv6 ? "[\(address)]:9001" : "\(address):9001"])
        let manifest = """
            apiVersion: v1
            kind: Pod
            metadata:
              name: \(name)
              labels: {app: shop}
              annotations: {traffic.martlet.dev/address: "\(address)"}
            spec:
              nodeName: \(node)
              containers:
              - name: \(name)
                image: none
                ports: [{containerPort: 9001}]
            """
        let output = try await kubectl("apply", "--validate=false", "-f", "-", input: manifest)
        try #require(output.succeeded, "\(output)")
    }

    /// The status of an HTTP request from a machine; "000" for none.
    func status(from machine: Int, _ arguments: String...) async throws -> String {
        try await room.machines[machine].run(
            ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "5"] + arguments
        ).out
    }

    func stop() async {
        for program in programs.withLock({ $0 }).reversed() { await program.stop() }
        try? FileManager.default.removeItem(at: folder)  // Left-over files do no harm.
    }

    /// Runs a test, and takes everything away afterwards.
    static func with(_ machines: Int, _ body: (MachineCluster) async throws -> Void) async throws {
        let room = try await MachineRoom.make(machines)
        let cluster = try MachineCluster(room)
        do {
            try await body(cluster)
        } catch {
            await cluster.stop()
            try await room.remove()
            throw error
        }
        await cluster.stop()
        try await room.remove()
    }
}
