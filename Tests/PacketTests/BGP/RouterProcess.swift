import Foundation
import System

/// A routing daemon in a namespace, with a directory of its own; both are gone with the value.
final class RouterProcess: Sendable {
    let namespace: Namespace
    let directory: String
    private let pid: pid_t

    /// `arguments` gets the directory, in which `files` have been written.
    init(
        _ executable: String, in namespace: Namespace, files: [String: String],
        arguments: (_ directory: String) -> [String]
    ) throws {
        self.namespace = namespace
        directory = NSTemporaryDirectory() + "martlet-router-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for (name, text) in files {
            try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
        // FRR's daemons give up root; what they write is theirs.
        chmod(directory, 0o777)
        let (arguments, log) = ([executable] + arguments(directory), "\(directory)/log")
        pid = try namespace.run {
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
            var words = arguments.map { strdup($0) } + [nil]
            defer { for word in words { free(word) } }
            var pid: pid_t = 0
            let code = posix_spawn(&pid, executable, &actions, nil, &words, environ)
            guard code == 0 else { throw Namespace.Failure(description: "start \(executable): \(code)") }
            return pid
        }
    }

    deinit {
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Stops and continues it, as if its machine were hung.
    func freeze() { kill(pid, SIGSTOP) }
    func thaw() { kill(pid, SIGCONT) }

    var log: String { (try? String(contentsOfFile: "\(directory)/log", encoding: .utf8)) ?? "" }
}

/// Asks until it is so; gives up after a time that no healthy machine needs.
func eventually(_ seconds: Int = 30, _ condition: () throws -> Bool) async rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        if try condition() { return true }
        guard ContinuousClock.now < deadline else { return false }
        try? await Task.sleep(for: .milliseconds(20))
    }
}
