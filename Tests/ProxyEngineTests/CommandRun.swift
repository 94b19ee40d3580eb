import Foundation
import Glibc
import Testing

/// A program's run to its end, with what it wrote.
enum CommandRun {
    /// - Returns: both streams, as they came.
    static func output(_ words: [String], input: String = "") throws -> String {
        let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        // What is left is in the directory for temporary files.
        defer { try? FileManager.default.removeItem(at: directory) }
        let written = directory.appending(path: "out")
        let read = directory.appending(path: "in")
        try Data(input.utf8).write(to: read)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, read.path, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, written.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        try #require(posix_spawnp(&pid, words[0], &actions, nil, &arguments, environ) == 0)
        while waitpid(pid, nil, 0) < 0, errno == EINTR {}
        return String(decoding: try Data(contentsOf: written), as: UTF8.self)
    }
}
