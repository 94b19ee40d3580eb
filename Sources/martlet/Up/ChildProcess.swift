import Glibc

/// One process of the family, started from this executable.
struct ChildProcess {
    let name: String
    let pid: pid_t

    enum SpawnError: Error, CustomStringConvertible {
        case cannotOpenLog(path: String, reason: String)
        case cannotStart(name: String, reason: String)

        var description: String {
            switch self {
            case .cannotOpenLog(let path, let reason): "cannot open the log file \(path): \(reason)"
            case .cannotStart(let name, let reason): "cannot start \(name): \(reason)"
            }
        }
    }

    /// Starts `executable` with `arguments` in a process group of its own (Ctrl-C reaches the supervisor alone, which
    /// stops its children in order) and with both output streams appended to `logPath`.
    static func spawn(
        name: String, executable: String, arguments: [String], logPath: String
    ) throws(SpawnError) -> ChildProcess {
        let log = open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard log >= 0 else { throw .cannotOpenLog(path: logPath, reason: String(cString: strerror(errno))) }
        defer { close(log) }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, log, 1)
        posix_spawn_file_actions_adddup2(&actions, log, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))

        var argv: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
        argv.append(nil)
        var environment = inheritedEnvironment()
        environment.append(strdup("\(SupervisedChild.environmentKey)=\(getpid())"))
        environment.append(nil)
        defer {
            for pointer in argv + environment { free(pointer) }
        }

        var pid = pid_t()
        let failure = posix_spawn(&pid, executable, &actions, &attributes, argv, environment)
        guard failure == 0 else { throw .cannotStart(name: name, reason: String(cString: strerror(failure))) }
        return ChildProcess(name: name, pid: pid)
    }

    /// The path of the running executable, so that every process of the family is of one build.
    static func ownExecutable() -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return CommandLine.arguments[0] }
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func inheritedEnvironment() -> [UnsafeMutablePointer<CChar>?] {
        var copies: [UnsafeMutablePointer<CChar>?] = []
        var cursor = environ
        while let entry = cursor.pointee {
            copies.append(strdup(entry))
            cursor += 1
        }
        return copies
    }
}
