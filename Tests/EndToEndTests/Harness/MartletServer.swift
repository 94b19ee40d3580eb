import Foundation
import Testing

/// A running `martlet apiserver` (or `martlet up`) with a data directory of its own.
final class MartletServer: Sendable {
    /// The server of the suite that a test belongs to; set by the `.martlet` trait.
    @TaskLocal static var current: MartletServer?

    let program: Program
    let directory: URL
    /// "https://127.0.0.1:PORT"
    let url: String
    let binary: String

    /// Starts the program and waits until it answers on `/readyz`.
    ///
    /// - Parameter network: where it is to listen; nil for where this process is.
    static func start(
        _ command: [String] = ["apiserver"], in directory: URL? = nil, network: OwnNetwork? = nil,
        environment: [String: String] = [:]
    ) async throws -> MartletServer {
        // A short path: a unix socket's may not be longer than 107 bytes.
        let directory = directory ?? URL(filePath: "/tmp/martlet-e2e-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let binary = try builtProduct("martlet")
        let line = [binary, command[0], "--data-dir", directory.path, "--secure-port", "0"] + command.dropFirst()
        let program =
            try network?.start(line, environment: environment)
            ?? Program(line[0], Array(line.dropFirst()), environment: environment)
        let socket = directory.appending(path: "api.sock").path
        do {
            try await eventually(within: .seconds(60), "martlet to become ready") {
                guard program.isRunning else { throw Program.Failure(description: "martlet ended\n\(program.output)") }
                guard FileManager.default.fileExists(atPath: directory.appending(path: "admin.kubeconfig").path)
                else { return false }
                return try await Program.run(
                    "curl", ["-sf", "--max-time", "5", "--unix-socket", socket, "http://localhost/readyz"]
                ).succeeded
            }
            let kubeconfig = try String(contentsOf: directory.appending(path: "admin.kubeconfig"), encoding: .utf8)
            let url = try #require(kubeconfig.firstMatch(of: #/server: *"?(https://[^\s"]+)/#)).output.1
            return MartletServer(program: program, directory: directory, url: String(url), binary: binary)
        } catch {
            await program.stop()
            throw error
        }
    }

    private init(program: Program, directory: URL, url: String, binary: String) {
        self.program = program
        self.directory = directory
        self.url = url
        self.binary = binary
    }

    func stop(keepingData: Bool = false) async {
        await program.stop()
        if !keepingData { try? FileManager.default.removeItem(at: directory) }  // Left-over files do no harm.
    }

    func file(_ name: String) -> String { directory.appending(path: name).path }

    /// A program of this build: it lies beside the test program.
    static func builtProduct(_ name: String) throws -> String {
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let path = tests.appending(path: name).path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Program.Failure(description: "\(path) has not been built")
        }
        return path
    }

    static let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
}

/// Runs the tests of a suite against one server that is started before the first and stopped after the last.
struct MartletTrait: SuiteTrait, TestScoping {
    let command: [String]

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let server = try await MartletServer.start(command)
        do {
            try await MartletServer.$current.withValue(server) { try await function() }
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }
}

extension Trait where Self == MartletTrait {
    static func martlet(_ command: String...) -> MartletTrait { MartletTrait(command: command) }
}

/// The server of the suite the running test belongs to.
func suiteServer() throws -> MartletServer {
    try #require(MartletServer.current, "the suite lacks the .martlet trait")
}
