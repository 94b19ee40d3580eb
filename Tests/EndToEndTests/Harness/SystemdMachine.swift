import Foundation
import Glibc
import Testing

/// A real systemd as process 1 of its own namespaces, with a bus and nothing of this machine to write to: its files lie in
/// memory, its units are those of a test, its control groups below one of its own.
final class SystemdMachine: Sendable {
    static let isAvailable =
        geteuid() == 0 && OwnNetwork.isAvailable && Program.find("unshare") != nil && Program.find("nsenter") != nil
        && Program.find("dbus-daemon") != nil && FileManager.default.isExecutableFile(atPath: "/lib/systemd/systemd")

    private let program: Program
    /// Shared with the machine: where the socket of its bus and its units are.
    private let folder: URL
    private let initPID: pid_t

    /// The address of its system bus, from outside.
    var busAddress: String { "unix:path=\(folder.path)/bus/system_bus_socket" }

    private init(program: Program, folder: URL, initPID: pid_t) {
        self.program = program
        self.folder = folder
        self.initPID = initPID
    }

    /// - Parameters:
    ///   - network: the one that its services listen in.
    ///   - units: unit files, by name.
    static func start(_ network: OwnNetwork, units: [String: String]) async throws -> SystemdMachine {
        let folder = URL(filePath: "/tmp/martlet-e2e-\(UUID().uuidString.prefix(8))")
        for name in ["bus", "units", "root", "groups"] {
            try FileManager.default.createDirectory(
                at: folder.appending(path: name), withIntermediateDirectories: true)
        }
        for (name, text) in ground.merging(units, uniquingKeysWith: { $1 }) {
            try Data(text.utf8).write(to: folder.appending(path: "units/\(name)"))
        }
        try Data(script.utf8).write(to: folder.appending(path: "start"))
        let program = try network.start(
            [
                "unshare", "--mount", "--propagation", "private", "bash", folder.appending(path: "start").path,
                folder.path,
            ])
        do {
            try await eventually(within: .seconds(30), "systemd to run") {
                guard program.isRunning else { throw Program.Failure(description: "systemd ended\n\(program.output)") }
                return process1(below: program.pid) != nil
                    && FileManager.default.fileExists(atPath: folder.appending(path: "bus/system_bus_socket").path)
            }
            let machine = SystemdMachine(
                program: program, folder: folder, initPID: try #require(process1(below: program.pid)))
            try await eventually(within: .seconds(30), "the bus") {
                try await machine.run("systemctl", "is-active", "dbus.service").out == "active\n"
            }
            return machine
        } catch {
            await program.stop()
            throw error
        }
    }

    /// The bus that systemd waits for; nothing else is started.
    private static let ground = [
        "lab.target": "[Unit]\nDefaultDependencies=no\nWants=dbus.socket dbus.service\n",
        "dbus.socket": "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n",
        "dbus.service": """
        [Unit]
        DefaultDependencies=no
        Requires=dbus.socket
        [Service]
        Type=notify
        ExecStart=/usr/bin/dbus-daemon --config-file=/usr/share/dbus-1/system.conf --address=systemd: --nofork \
        --nopidfile --systemd-activation
        """,
    ]

    /// What makes the namespaces; `$1` is the folder. Everything that systemd could write to is made for it: it would take
    /// the machine's own files for those of a machine that starts.
    private static let script = """
        set -e
        folder=$1 root=$1/root
        mount -t cgroup2 none $folder/groups
        group=$folder/groups/martlet-$$
        mkdir $group
        echo $$ > $group/cgroup.procs
        mount -t tmpfs -o size=64m none $root
        cd $root
        mkdir usr proc sys run tmp var etc dev root old units
        mount --rbind /usr usr
        mount -o remount,bind,ro usr
        for name in bin sbin lib lib64; do ln -s usr/$name $name; done
        mount -t tmpfs none run
        mkdir -p run/dbus sys/fs/cgroup
        mount --bind $folder/bus run/dbus
        mount --bind $folder/units units
        for name in null zero urandom random full; do touch dev/$name; mount --bind /dev/$name dev/$name; done
        echo 'root:x:0:0:root:/root:/bin/sh' > etc/passwd
        echo 'messagebus:x:100:100::/nonexistent:/usr/sbin/nologin' >> etc/passwd
        printf 'root:x:0:\\nmessagebus:x:100:\\n' > etc/group
        printf 'passwd: files\\ngroup: files\\n' > etc/nsswitch.conf
        echo 0123456789abcdef0123456789abcdef > etc/machine-id
        exec unshare --pid --mount --fork --cgroup --ipc --uts --kill-child --propagation private sh -c '
            set -e
            mount -t proc proc proc
            mount -t cgroup2 none sys/fs/cgroup
            pivot_root . old
            umount -l /old
            cd /
            # Never on the machine itself.
            test -d /units
            exec env -i PATH=/usr/bin:/usr/sbin container=martlet SYSTEMD_UNIT_PATH=/units \\
                SYSTEMD_GENERATOR_PATH=/nonexistent /lib/systemd/systemd --system --unit=lab.target --log-level=warning \\
                --log-target=console --show-status=no'
        """

    /// The descendant that is process 1 of a namespace and has become systemd.
    private static func process1(below ancestor: pid_t) -> pid_t? {
        func read(_ pid: pid_t, _ name: String) -> String {
            // A process may end while we look.
            (try? String(contentsOfFile: "/proc/\(pid)/\(name)", encoding: .utf8)) ?? ""
        }
        var waiting = [ancestor]
        while let pid = waiting.popLast() {
            let ids = read(pid, "status").split(separator: "\n").first { $0.hasPrefix("NSpid:") } ?? ""
            let numbers = ids.split(whereSeparator: \.isWhitespace)
            if numbers.count > 2, numbers.last == "1", read(pid, "comm") == "systemd\n" { return pid }
            waiting += read(pid, "task/\(pid)/children").split(separator: " ").compactMap { pid_t($0) }
        }
        return nil
    }

    /// Runs a command in the machine.
    @discardableResult
    func run(_ line: String...) async throws -> Program.Output {
        try await Program("nsenter", ["-t", "\(initPID)", "-m", "-p", "-i", "-u", "-C"] + line).ended()
    }

    func systemctl(_ line: String...) async throws {
        let output = try await Program(
            "nsenter", ["-t", "\(initPID)", "-m", "-p", "-i", "-u", "-C", "systemctl"] + line
        ).ended()
        try #require(output.succeeded, "systemctl \(line): \(output)")
    }

    func write(_ unit: String, _ text: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: "units/\(unit)"))
    }

    /// Ends it, and takes its control groups and files away.
    func stop() async {
        kill(initPID, SIGKILL)
        await program.stop()
        // With the last process its mounts are gone; the groups are seen through another one.
        let removal = """
            mount -t cgroup2 none \(folder.path)/groups
            for try in 1 2 3 4 5 6 7 8 9 10; do
                find \(folder.path)/groups/martlet-* -depth -type d -exec rmdir {} \\; 2>/dev/null && break
                sleep 0.2
            done
            """
        _ = try? await Program("unshare", ["--mount", "sh", "-c", removal]).ended()
        try? FileManager.default.removeItem(at: folder)  // Left-over files do no harm.
    }
}
