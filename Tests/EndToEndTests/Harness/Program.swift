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

    let pid: pid_t
    /// What waitpid(2) has said; nil while the program runs.
    private let status = Mutex<Int32?>(nil)
    private let directory: URL

    /// - Parameters:
    ///   - path: of the program; a name without "/" is looked up in PATH.
    ///   - input: what it reads; nil: nothing, or `inputFile`.
    init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil,
        inputFile: String = "/dev/null"
    ) throws {
        guard let executable = Self.find(path) else { throw Failure(description: "no program \(path) on PATH") }
        directory = FileManager.default.temporaryDirectory.appending(path: "martlet-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        if let input { try Data(input.utf8).write(to: directory.appending(path: "in")) }
        pid = try Self.spawn(
            executable, arguments, ProcessInfo.processInfo.environment.merging(environment) { $1 },
            input: input == nil ? inputFile : directory.appending(path: "in").path,
            output: directory.appending(path: "out").path, errors: directory.appending(path: "err").path)
        LiveProcesses.insert(pid)
    }

    /// posix_spawn(3) with the three standard streams as files, no other descriptor, and no blocked signal: a child
    /// inherits the mask of the thread that starts it, and dispatch's threads block SIGTERM and SIGINT.
    ///
    /// Not Foundation's `Process`: it copies whole directory entries out of a buffer that may end earlier, and crashes
    /// where memory ends there too.
    private static func spawn(
        _ executable: String, _ arguments: [String], _ environment: [String: String], input: String, output: String,
        errors: String
    ) throws -> pid_t {
        for descriptor in 3..<Int32(clamping: sysconf(Int32(_SC_OPEN_MAX))) {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let texts = ([executable] + arguments).map { strdup($0) }
        let settings = environment.map { strdup("\($0.key)=\($0.value)") }
        defer { for text in texts + settings { free(text) } }
        var pid = pid_t()
        let failure = posix_spawn(&pid, executable, &actions, &attributes, texts + [nil], settings + [nil])
        guard failure == 0 else {
            throw Failure(description: "cannot start \(executable): \(String(cString: strerror(failure)))")
        }
        return pid
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)  // Left-over temporary files do no harm.
    }

    var isRunning: Bool { exitStatus == nil }

    /// The exit status, or the number of the signal that ended the program; nil while it runs.
    private var exitStatus: Int32? {
        status.withLock { status in
            var word: Int32 = 0
            if status == nil, waitpid(pid, &word, WNOHANG) == pid {
                status = word & 0x7f == 0 ? (word >> 8) & 0xff : word & 0x7f
            }
            return status
        }
    }

    /// What the program has written so far, and its exit status once it has ended (-1 before).
    var output: Output {
        func read(_ name: String) -> String {
            // The files exist as long as this object does.
            let data = try? Data(contentsOf: directory.appending(path: name))
            return String(decoding: data ?? Data(), as: UTF8.self)
        }
        return Output(status: exitStatus ?? -1, out: read("out"), err: read("err"))
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
