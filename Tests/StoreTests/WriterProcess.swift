import Foundation
import Glibc
import Testing

/// A running `StoreCrashWriter`, and what it prints. By posix_spawn: Foundation's `Process` reads directory entries beyond
/// their end and has crashed on it.
final class WriterProcess {
    private let pid: pid_t
    private let output: Int32

    init(_ storePath: String) throws {
        var ends: [Int32] = [-1, -1]
        let isMade = pipe(&ends) == 0
        try #require(isMade)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        output = ends[0]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        let path = try Self.program()
        let arguments: [UnsafeMutablePointer<CChar>?] = [strdup(path), strdup(storePath)]
        var started = pid_t()
        let code = posix_spawn(&started, path, &actions, nil, arguments + [nil], environ)
        posix_spawn_file_actions_destroy(&actions)
        for argument in arguments { free(argument) }
        close(ends[1])
        try #require(code == 0, "cannot start \(path)")
        pid = started
    }

    deinit {
        close(output)
    }

    /// What it has printed since; empty at the end.
    func read() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(output, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            return Array(buffer.prefix(max(count, 0)))
        }
    }

    func kill() {
        Glibc.kill(pid, SIGKILL)
    }

    /// Waits for its end.
    func reap() {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }

    /// It is built beside the test bundle.
    private static func program() throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let candidates = [own, CommandLine.arguments[0]] + CommandLine.arguments.filter { $0.hasSuffix(".xctest") }
        return try #require(
            candidates
                .map {
                    URL(fileURLWithPath: $0).deletingLastPathComponent().appendingPathComponent("StoreCrashWriter").path
                }
                .first { FileManager.default.isExecutableFile(atPath: $0) })
    }
}
