import Foundation
import Synchronization

/// A program that runs until its standard input ends.
final class InteractiveProgram: Sendable {
    private final class State: @unchecked Sendable {
        // Guarded by the mutex around it.
        let process = Process()
        let input = Pipe()
    }

    private let state: Mutex<State>
    private let output: URL

    init(_ path: String, _ arguments: [String]) throws {
        guard let executable = Program.find(path) else {
            throw Program.Failure(description: "no program \(path) on PATH")
        }
        output = FileManager.default.temporaryDirectory.appending(path: "martlet-run-\(UUID().uuidString)")
        try Data().write(to: output)
        let state = State()
        state.process.executableURL = URL(filePath: executable)
        state.process.arguments = arguments
        state.process.standardInput = state.input
        state.process.standardOutput = try FileHandle(forWritingTo: output)
        try state.process.run()
        LiveProcesses.insert(state.process.processIdentifier)
        self.state = Mutex(state)
    }

    deinit {
        try? FileManager.default.removeItem(at: output)  // Left-over temporary files do no harm.
    }

    /// The first line that it prints.
    func firstLine() async throws -> String {
        try await eventually(within: .seconds(20), "the first line") { try self.text().contains("\n") }
        return String(try text().prefix { $0 != "\n" })
    }

    /// Ends its input, waits for its end and returns the last line that it printed.
    func finish() async throws -> String {
        let pid = try state.withLock { state in
            try state.input.fileHandleForWriting.close()
            return state.process.processIdentifier
        }
        try await eventually(within: .seconds(60), "the end of process \(pid)") {
            self.state.withLock { !$0.process.isRunning }
        }
        LiveProcesses.remove(pid)
        return try text().split(separator: "\n").last.map(String.init) ?? ""
    }

    private func text() throws -> String { String(decoding: try Data(contentsOf: output), as: UTF8.self) }
}
