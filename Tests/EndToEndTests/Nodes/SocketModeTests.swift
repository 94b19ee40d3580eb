import Foundation
import Testing

private enum ControlGroups {
    /// Where those of the second version are mounted.
    static let root: String? = {
        let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        for line in mounts?.split(separator: "\n") ?? [] where line.contains(" - cgroup2 ") {
            let words = line.split(separator: " ")
            if words.count > 4 { return String(words[4]) }
        }
        return nil
    }()
}

extension EndToEnd {
    /// The data plane as a process, with `--socket-mode`, in a network and a control group of its own.
    @Suite(
        "A data plane that leads sockets may be killed", .serialized,
        .enabled(if: OwnNetwork.isAvailable && ControlGroups.root != nil, "needs root, ip, iptables and cgroup2"))
    struct SocketModeTests {
        private static let objects: [(target: String, body: String)] = [
            (
                "/api/v1/namespaces/default/services",
                """
                {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"}, "spec":
                {"clusterIP": "10.96.0.80", "ports": [{"port": 80, "targetPort": 9001}]}}
                """
            ),
            (
                "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
                """
                {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": "shop-1", "labels": {"kubernetes.io/service-name": "shop"}},
                "endpoints": [{"addresses": ["\(MachineRoom.address(1))"]}], "ports": [{"port": 9001}]}
                """
            ),
        ]

        @Test func `new connections go straight to endpoints without it, and a clean-up ends that`() async throws {
            let room = try await MachineRoom.make(2)
            let group = "\(ControlGroups.root ?? "")/martlet-e2e-\(UUID().uuidString.prefix(8))"
            // A mount of its own for the names, and somebody in the group: others tidy away those that nobody is in.
            let keeper = try Program(
                "unshare",
                [
                    "--mount", "--propagation", "private", "sh", "-c",
                    """
                    mkdir \(group) && echo $$ > \(group)/cgroup.procs && mount -t bpf bpf /sys/fs/bpf && exec sleep 600
                    """,
                ])
            let server = try await MartletServer.start(
                ["apiserver", "--service-cluster-ip-range", "10.96.0.0/16"], network: room.machines[0])
            let backend = try room.machines[1].start(
                [server.binary, "echo", "--name", "shop", "--listen", "\(MachineRoom.address(1)):9001"])
            var plane: Program?
            let place = ["--mount=/proc/\(keeper.pid)/ns/mnt", "--net=/run/netns/\(room.machines[0].name)"]
            @Sendable func start(_ line: [String]) throws -> Program { try Program("nsenter", place + line) }
            do {
                try await room.machines[0].run(["ip", "route", "add", "default", "via", MachineRoom.address(1)])
                try await room.machines[0].run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])
                for (target, body) in Self.objects {
                    let answer = try await server.localRequest("POST", target, body: body)
                    try #require(answer.status == 201, "\(answer)")
                }
                let kubeconfig = server.file("admin.kubeconfig")
                let line = [
                    server.binary, "dataplane", "--kubeconfig", kubeconfig, "--proxy-mode", "nftables",
                    "--dns-port", "0", "--socket-mode", "--socket-cgroup", group,
                ]
                /// How many connections the kernel tracks more after one that was answered.
                @Sendable func connect() async throws -> Int? {
                    let count = "cat /proc/sys/net/netfilter/nf_conntrack_count"
                    let script = """
                        echo $$ > \(group)/cgroup.procs; before=$(\(count))
                        curl -s --max-time 5 -o /dev/null http://10.96.0.80/ && echo $(($(\(count)) - before))
                        """
                    let output = try await start(["sh", "-c", script]).ended()
                    return Int(output.out.trimmingCharacters(in: .whitespacesAndNewlines))
                }
                func dump() async throws -> String {
                    let line = [server.binary, "dataplane", "dump", "--kubeconfig", kubeconfig, "shop"]
                    return try await start(line).ended().out
                }
                let led = "sockets of this machine at connect to \(MachineRoom.address(1)):9001"
                let first = try start(line)
                plane = first
                try await eventually(within: .seconds(30), "the Service") { try await connect() == 0 }
                #expect(try await dump().contains(led))
                first.signal(SIGKILL)
                try await first.ended()
                #expect(try await connect() == 0)
                #expect(try await dump().contains(led))
                let next = try start(line)
                plane = next
                #expect(try await connect() == 0)
                // It follows what changes, with the programs and maps that it found.
                let slice = Self.objects[1]
                _ = try await server.localRequest("DELETE", slice.target + "/shop-1")
                try await eventually(within: .seconds(30), "the end of the endpoint") { try await connect() == nil }
                #expect(try await !dump().contains(led))
                _ = try await server.localRequest("POST", slice.target, body: slice.body)
                try await eventually(within: .seconds(30), "the endpoint again") { try await connect() == 0 }
                await next.stop()
                let cleanUp = try await start([server.binary, "dataplane", "--cleanup"]).ended()
                #expect(cleanUp.out.contains("removed the programs that lead sockets"), "\(cleanUp)")
                #expect(try await connect() == nil)
                #expect(try await start(["find", "/sys/fs/bpf", "-name", "martlet*"]).ended().out == "")
                // Somebody who does not see the names, in a mount namespace of their own, ends it as well.
                let last = try start(line)
                plane = last
                try await eventually(within: .seconds(30), "the programs again") { try await connect() == 0 }
                await last.stop()
                let outside = try await Program("nsenter", [place[1], server.binary, "dataplane", "--cleanup"]).ended()
                #expect(outside.out.contains("detached 8 programs that led sockets"), "\(outside)")
                #expect(!outside.out.contains("removed the programs"), "\(outside)")
                #expect(try await connect() == nil)
            } catch {
                if let plane { Issue.record("\(plane.output)") }
                await Self.remove([plane, backend, keeper], server, room, group)
                throw error
            }
            await Self.remove([plane, backend, keeper], server, room, group)
        }

        @Test(.enabled(if: Program.find("setpriv") != nil, "needs setpriv"))
        func `whoever may not is told what it needs`() async throws {
            let room = try await MachineRoom.make(1)
            let server = try await MartletServer.start(["apiserver"], network: room.machines[0])
            // As an ordinary user, but for whose the files are.
            let ordinary = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", server.binary, "dataplane"]
            let cleanUp = try await room.machines[0].start(ordinary + ["--cleanup"]).ended()
            #expect(cleanUp.err.contains("--cleanup: it needs root, or CAP_NET_ADMIN"), "\(cleanUp)")
            let plane = try room.machines[0].start(
                ordinary + ["--kubeconfig", server.file("admin.kubeconfig"), "--dns-port", "0", "--socket-mode"])
            do {
                try await eventually(within: .seconds(30), "the words") {
                    plane.output.err.contains("--socket-mode: it needs root, or CAP_BPF and CAP_NET_ADMIN")
                        && plane.output.err.contains("nftables needs root, or CAP_NET_ADMIN")
                }
            } catch {
                Issue.record("\(plane.output)")
            }
            await plane.stop()
            await server.stop()
            try await room.remove()
        }

        private static func remove(
            _ programs: [Program?], _ server: MartletServer, _ room: MachineRoom, _ group: String
        ) async {
            for program in programs { await program?.stop() }
            await server.stop()
            do {
                try await room.remove()
                try await eventually(within: .seconds(10), "the end of the control group") { rmdir(group) == 0 }
            } catch {
                Issue.record("\(error)")
            }
        }
    }
}
