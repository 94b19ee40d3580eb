import Foundation
import Glibc
import Synchronization

/// A program that runs until its standard input, a named pipe, ends.
final class InteractiveProgram: Sendable {
    private let program: Program
    private let pipe: String
    /// Our end of the pipe; -1 once it is closed.
    private let input: Mutex<Int32>

    init(_ path: String, _ arguments: [String]) throws {
        pipe = FileManager.default.temporaryDirectory.appending(path: "martlet-pipe-\(UUID().uuidString)").path
        // For both directions: to open it for one would wait for who opens the other.
        guard mkfifo(pipe, 0o600) == 0 else { throw Program.Failure(description: "cannot make \(pipe)") }
        let opened = open(pipe, O_RDWR | O_CLOEXEC)
        guard opened >= 0 else { throw Program.Failure(description: "cannot open \(pipe)") }
        input = Mutex(opened)
        program = try Program(path, arguments, inputFile: pipe)
    }

    deinit {
        endInput()
        unlink(pipe)
    }

    /// The first line that it prints.
    func firstLine() async throws -> String {
        try await eventually(within: .seconds(20), "the first line") { self.program.output.out.contains("\n") }
        return String(program.output.out.prefix { $0 != "\n" })
    }

    /// Ends its input, waits for its end and returns the last line that it printed.
    func finish() async throws -> String {
        endInput()
        return try await program.ended().out.split(separator: "\n").last.map(String.init) ?? ""
    }

    private func endInput() {
        input.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }
}
