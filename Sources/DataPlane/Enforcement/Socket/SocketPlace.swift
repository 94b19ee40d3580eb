package import BPF
import Glibc
import System

/// Where programs are attached, and under which names the kernel keeps them while nobody is there.
package struct SocketPlace: Sendable {
    /// Why there is none, with the mend.
    package struct Obstacle: Error, Hashable, Sendable {
        package let words: String
    }

    /// All processes below it are led.
    package let group: ControlGroup
    /// A folder of this network namespace's own, in a file system of the type `bpf`.
    package let folder: String
    /// The number of this network namespace.
    package let host: UInt64

    package init(group: ControlGroup, files: String, host: UInt64) {
        self.group = group
        self.host = host
        folder = "\(files)/\(Self.folder(of: host))"
    }

    private static func folder(of host: UInt64) -> String { "martlet-\(host)" }

    /// Finds them on this machine.
    ///
    /// - Parameter path: of the control group; nil for that of all processes.
    package static func find(group path: String?) throws(Obstacle) -> SocketPlace {
        let mounts = mounts
        guard let root = path ?? ControlGroup.root(mounts: mounts) else {
            throw Obstacle(
                words: "no hierarchy of control groups of the second version is mounted "
                    + "(mount -t cgroup2 none /sys/fs/cgroup/unified)")
        }
        guard let files = ControlGroup.mountPoint(of: "bpf", in: mounts) else {
            throw Obstacle(words: "no file system of the type bpf is mounted (mount -t bpf bpf /sys/fs/bpf)")
        }
        do {
            return SocketPlace(
                group: try ControlGroup(root), files: files, host: try KernelBPF().namespaceCookie())
        } catch {
            throw Obstacle(words: "\(error)")
        }
    }

    private static var mounts: String {
        // Without /proc nothing is mounted that anybody could find.
        let bytes = (try? FileBytes.read("/proc/self/mountinfo", limit: 4 << 20)) ?? []
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Where an earlier process in this network namespace left its own; nil where there is none.
    package static var leftover: String? {
        guard let files = ControlGroup.mountPoint(of: "bpf", in: mounts),
            let host = try? KernelBPF().namespaceCookie()
        else { return nil }
        let folder = "\(files)/\(folder(of: host))"
        return access(folder, F_OK) == 0 ? folder : nil
    }

    func path(of map: String) -> String { "\(folder)/\(map)" }
    func path(of hook: BPFHook) -> String { "\(folder)/\(hook)" }

    /// Lets everything in a folder go, and the folder: programs first, since they are what takes effect.
    ///
    /// - Returns: whether there was anything.
    @discardableResult
    package static func remove(_ folder: String, _ system: any BPFSystem) throws(BPFError) -> Bool {
        let programs = BPFHook.allCases.map { "\($0)" }
        for name in programs + system.names(in: folder).filter({ !programs.contains($0) }) {
            try system.unpin("\(folder)/\(name)")
        }
        return try system.removeFolder(folder)
    }

    /// How many programs are attached that have names in a folder.
    static func attached(_ folder: String, _ system: any BPFSystem) throws(BPFError) -> Int {
        var count = 0
        for hook in BPFHook.allCases {
            if let link = try system.open("\(folder)/\(hook)"), try system.group(of: link) != nil { count += 1 }
        }
        return count
    }

    /// Detaches the programs of this network namespace that are left: those whose names are in another mount namespace.
    ///
    /// Its number is a constant of programs that choose; the others share maps with those.
    ///
    /// - Returns: how many there were.
    static func detach(_ system: KernelBPF) throws(BPFError) -> Int {
        let host = try system.namespaceCookie()
        let found = try system.attachments(named: "martlet_")
        let maps = Set(found.filter { $0.constants.contains(host) }.flatMap(\.maps))
        let own = found.filter { !$0.maps.isDisjoint(with: maps) }
        for attachment in own { try system.detach(attachment.link) }
        return own.count
    }
}
