import Foundation
import Glibc
import Synchronization

/// A program started as a process of its own, with its output going to files.
final class Program: Sendable {
    struct Output: Sendable, CustomStringConvertible {
        var status: Int32
        var out: String
        var err: String
        var description: String { "exit \(status)\n--- stdout\n\(out)\n--- stderr\n\(err)" }
        var succeeded: Bool { status == 0 }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private final class State: @unchecked Sendable {
        // Guarded by the mutex around it.
        let process = Process()
    }

    let pid: pid_t
    private let state: Mutex<State>
    private let directory: URL

    /// - Parameter path: of the program; a name without "/" is looked up in PATH.
    init(_ path: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil) throws {
        guard let executable = Self.find(path) else { throw Failure(description: "no program \(path) on PATH") }
        directory = FileManager.default.temporaryDirectory.appending(path: "martlet-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let state = State()
        let process = state.process
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let input {
            let file = directory.appending(path: "in")
            try Data(input.utf8).write(to: file)
            process.standardInput = try FileHandle(forReadingFrom: file)
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        for name in ["out", "err"] { try Data().write(to: directory.appending(path: name)) }
        process.standardOutput = try FileHandle(forWritingTo: directory.appending(path: "out"))
        process.standardError = try FileHandle(forWritingTo: directory.appending(path: "err"))
        try Self.withoutBlockedSignals { try process.run() }
        pid = process.processIdentifier
        LiveProcesses.insert(pid)
        self.state = Mutex(state)
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)  // Left-over temporary files do no harm.
    }

    var isRunning: Bool { state.withLock { $0.process.isRunning } }

    /// What the program has written so far, and its exit status once it has ended (-1 before).
    var output: Output {
        func read(_ name: String) -> String {
            // The files exist as long as this object does.
            let data = try? Data(contentsOf: directory.appending(path: name))
            return String(decoding: data ?? Data(), as: UTF8.self)
        }
        let status = state.withLock { $0.process.isRunning ? -1 : $0.process.terminationStatus }
        return Output(status: status, out: read("out"), err: read("err"))
    }

    func signal(_ number: Int32) {
        if isRunning { kill(pid, number) }
    }

    /// Waits until the program has ended; kills it and throws after `timeout`.
    @discardableResult
    func ended(within timeout: Duration = .seconds(60)) async throws -> Output {
        do {
            try await eventually(within: timeout, "the end of process \(pid)") { !self.isRunning }
        } catch {
            signal(SIGKILL)
            throw Failure(description: "process \(pid) did not end within \(timeout)\n\(output)")
        }
        LiveProcesses.remove(pid)
        return output
    }

    /// Asks the program to end, and kills it when it does not within ten seconds.
    func stop() async {
        signal(SIGTERM)
        // The only error is the timeout, after which the program has been killed.
        _ = try? await ended(within: .seconds(10))
        LiveProcesses.remove(pid)
    }

    /// Runs a program to its end.
    static func run(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil,
        within timeout: Duration = .seconds(60)
    ) async throws -> Output {
        try await Program(path, arguments, environment: environment, input: input).ended(within: timeout)
    }

    /// A child inherits the signal mask of the thread that starts it, and dispatch's threads block SIGTERM and SIGINT.
    private static func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
        var none = sigset_t()
        var old = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &old)
        defer { pthread_sigmask(SIG_SETMASK, &old, nil) }
        try body()
    }

    static func find(_ name: String) -> String? {
        if name.contains("/") { return FileManager.default.isExecutableFile(atPath: name) ? name : nil }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// Waits until `condition` holds, looking every few milliseconds.
func eventually(
    within timeout: Duration = .seconds(10), _ what: String = "the condition",
    _ condition: @Sendable () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + timeout
    var pause = Duration.milliseconds(5)
    while try await !condition() {
        guard clock.now < deadline else { throw Program.Failure(description: "waited \(timeout) in vain for \(what)") }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(100))
    }
}
