import BPF
import CNamespaces
import DataPlane
import Foundation
import System

/// What tests of the socket mode need: a control group of their own, which this process is in, and a file system for names.
/// Nothing of it is left when the process ends, but for an empty control group where it was killed: the next one removes it.
final class SocketStage: Sendable {
    /// The one of this process; or why there can be none.
    static let shared = Result { () throws(Namespace.Failure) in try SocketStage() }

    let group: ControlGroup
    /// Leads to the file system, which is mounted nowhere any more.
    private let files: Int32
    private let outside: String

    private init() throws(Namespace.Failure) {
        guard geteuid() == 0 else { throw Namespace.Failure(description: "control groups need root") }
        let list = (try? FileBytes.read("/proc/self/mountinfo", limit: 4 << 20)) ?? []
        let mounts = String(decoding: list, as: UTF8.self)
        // Mounted for this test where it is not: the folder is gone again, the mount goes with its descriptor.
        if let root = ControlGroup.root(mounts: mounts) {
            outside = root
        } else {
            outside = "/proc/self/fd/\(try Self.mount("cgroup2"))"
        }
        for name in FileBytes.names(in: outside) where name.hasPrefix("martlet-socket-test-") {
            rmdir("\(outside)/\(name)")
        }
        let path = "\(outside)/martlet-socket-test-\(getpid())"
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw Namespace.Failure(description: "make a control group: \(String(cString: strerror(errno)))")
        }
        do {
            group = try ControlGroup(path)
        } catch {
            throw Namespace.Failure(description: "\(error)")
        }
        files = try Self.mount("bpf")
        try Self.move(to: path)
        atexit {
            guard case .success(let stage) = SocketStage.shared else { return }
            try? SocketStage.move(to: stage.outside)
            rmdir(stage.group.path)
        }
    }

    /// Where the programs of a test's node go; called in the node's namespace.
    func place() throws -> SocketPlace {
        SocketPlace(group: group, files: "/proc/self/fd/\(files)", host: try KernelBPF().namespaceCookie())
    }

    private static func mount(_ type: String) throws(Namespace.Failure) -> Int32 {
        let folder = NSTemporaryDirectory() + "martlet-\(type)-\(getpid())"
        guard mkdir(folder, 0o700) == 0 else {
            throw Namespace.Failure(description: "make \(folder): \(String(cString: strerror(errno)))")
        }
        defer { rmdir(folder) }
        guard Glibc.mount("none", folder, type, 0, nil) == 0 else {
            throw Namespace.Failure(description: "mount \(type): \(String(cString: strerror(errno)))")
        }
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // MNT_DETACH
        umount2(folder, 2)
        guard descriptor >= 0 else { throw Namespace.Failure(description: "open \(folder)") }
        return descriptor
    }

    private static func move(to group: String) throws(Namespace.Failure) {
        let descriptor = open("\(group)/cgroup.procs", O_WRONLY | O_CLOEXEC)
        defer { close(descriptor) }
        guard write(descriptor, "0", 1) == 1 else {
            throw Namespace.Failure(description: "enter \(group): \(String(cString: strerror(errno)))")
        }
    }
}
