import Glibc
import Synchronization

/// A network namespace without a name, with its loopback up, for one test. It goes when the last socket in it does.
final class PrivateNetwork: Sendable {
    private let namespace: Int32

    /// nil for an ordinary user, and where the commands `ip` and `iptables` are missing.
    init?() {
        guard geteuid() == 0, access("/usr/sbin/iptables", X_OK) == 0 else { return nil }
        let found = Mutex<Int32>(-1)
        Self.onThread {
            guard Self.unshare(Self.newNetwork) == 0, Self.command("ip", "link", "set", "lo", "up") else { return }
            found.withLock { $0 = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC) }
        }
        namespace = found.withLock { $0 }
        guard namespace >= 0 else { return nil }
    }

    deinit { close(namespace) }

    /// Runs something on a thread inside of the namespace: sockets and threads made there stay in it.
    func inside<Result: Sendable>(_ body: @Sendable () -> Result) -> Result? {
        let result = Mutex<Result?>(nil)
        Self.onThread { [namespace] in
            guard Self.setns(namespace, Self.newNetwork) == 0 else { return }
            result.withLock { $0 = body() }
        }
        return result.withLock { $0 }
    }

    /// Drops every packet to or from a TCP port, or lets them pass again. Nobody is told: it is as if the cable was cut.
    func dropPackets(port: UInt16, _ isDropping: Bool = true) -> Bool {
        inside {
            let action = isDropping ? "-A" : "-D"
            return Self.command("iptables", action, "INPUT", "-p", "tcp", "--dport", "\(port)", "-j", "DROP")
                && Self.command("iptables", action, "INPUT", "-p", "tcp", "--sport", "\(port)", "-j", "DROP")
        } ?? false
    }

    // Glibc's module leaves out what its headers guard by _GNU_SOURCE.
    private static let newNetwork: Int32 = 0x4000_0000  // CLONE_NEWNET

    private static func unshare(_ flags: Int32) -> Int32 {
        typealias Function = @convention(c) (Int32) -> Int32
        guard let symbol = dlsym(nil, "unshare") else { return -1 }
        return unsafeBitCast(symbol, to: Function.self)(flags)
    }

    private static func setns(_ descriptor: Int32, _ kind: Int32) -> Int32 {
        typealias Function = @convention(c) (Int32, Int32) -> Int32
        guard let symbol = dlsym(nil, "setns") else { return -1 }
        return unsafeBitCast(symbol, to: Function.self)(descriptor, kind)
    }

    private static func onThread(_ body: () -> Void) {
        withoutActuallyEscaping(body) { body in
            let box = Unmanaged.passRetained(Body(run: body))
            var thread = pthread_t()
            let failure = pthread_create(
                &thread, nil,
                { context in
                    guard let context else { return nil }
                    Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                    return nil
                }, box.toOpaque())
            guard failure == 0 else { return box.release() }
            pthread_join(thread, nil)
        }
    }

    private final class Body {
        let run: () -> Void
        init(run: @escaping () -> Void) { self.run = run }
    }

    private static func command(_ arguments: String...) -> Bool {
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in argv { free(pointer) } }
        var pid = pid_t()
        var status: Int32 = -1
        guard posix_spawnp(&pid, arguments[0], nil, nil, &argv, environ) == 0 else { return false }
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status == 0
    }
}
