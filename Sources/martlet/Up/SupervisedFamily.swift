import Glibc

/// Runs processes under a supervisor until they are asked to end, and tells the user how they do.
@MainActor
struct SupervisedFamily {
    let children: [Supervisor.ChildSpecification]
    let directory: DataDirectory
    /// Whether the status is written as lines, even on a terminal.
    let isPlain: Bool
    /// What is printed once all of them are ready.
    let announcement: [String]

    /// - Throws: `CleanExitError` with the reason that a process could not start.
    func run() async throws {
        guard let notifications = NotificationSocket(identifier: "\(getpid())-\(UInt32.random(in: 0 ... .max))") else {
            throw CleanExitError("cannot make a notification socket")
        }
        let supervisor = Supervisor(specifications: children, logDirectory: directory.logs)
        let status = LiveStatus(isLive: !isPlain)
        supervisor.onReady = { elapsed in
            status.announce(announcement, elapsed: elapsed)
            StartupMemory.releaseSoon()
        }
        supervisor.onStatus = { texts, pids, restarts in status.update(texts: texts, pids: pids, restarts: restarts) }
        supervisor.onExit = { name, code in
            status.interrupt(
                "\(name) ended \(Supervisor.cause(code)); starting it again. Its log: \(supervisor.logPath(name))")
        }
        supervisor.onNotice = { _, text in status.interrupt(text) }
        let failed = await supervisor.run(notifications: notifications)
        status.end()
        if let failed {
            let reason =
                LogTail.lastLine(of: supervisor.logPath(failed))
                ?? LogTail.silence(of: supervisor.logPath(failed))
                + (supervisor.ending(of: failed).map { ", and ended \($0)" } ?? "")
            throw CleanExitError("\(failed) could not start: \(reason)\nIts log: \(supervisor.logPath(failed))")
        }
        Terminal.line("martlet has stopped")
    }
}
