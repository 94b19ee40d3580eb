import Foundation
import Testing

/// A machine on which systemd-resolved answers for names, in a network namespace: the real daemon, with a folder in the place of
/// `/run`, a link that has a server of its own (as from DHCP), and a stand-in for `systemctl`.
final class ResolvedHost: Sendable {
    /// The daemon, unpacked by `scripts/fetch-resolved.sh` or installed.
    private static let daemon = [
        MartletServer.packageRoot.appending(path: ".build/systemd-resolved/systemd-resolved").path,
        "/usr/lib/systemd/systemd-resolved",
    ].first { FileManager.default.isExecutableFile(atPath: $0) }

    static let isAvailable = OwnNetwork.isAvailable && daemon != nil && Program.find("dig") != nil

    /// What has to be there.
    static let needs = "needs root, ip, iptables, dig and systemd-resolved (scripts/fetch-resolved.sh unpacks it)"

    /// Of the link, where its server is.
    static let address = "10.97.0.2"

    let network: OwnNetwork
    let root = FileManager.default.temporaryDirectory.appending(path: "resolved-\(UUID().uuidString.prefix(8))").path
    private let program: Program

    /// - Parameter settings: lines of its section `[Resolve]`, beside those that keep it to plain DNS.
    static func start(link server: String?, _ settings: String = "") async throws -> ResolvedHost {
        let network = try await OwnNetwork.make()
        do {
            return try await ResolvedHost(network, try #require(daemon), server, settings)
        } catch {
            try await network.remove()
            throw error
        }
    }

    private init(_ network: OwnNetwork, _ daemon: String, _ server: String?, _ settings: String) async throws {
        self.network = network
        // It asks nobody before a link is up.
        for line in [
            "link add eth0 type veth peer name far", "link set far up", "address add \(Self.address)/24 dev eth0",
            "link set eth0 up",
        ] {
            let output = try await network.run(["ip"] + line.split(separator: " ").map(String.init))
            try #require(output.succeeded, "ip \(line): \(output)")
        }
        for folder in ["run/systemd/resolved.conf.d", "run/systemd/netif/links", "usr/bin"] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
        }
        let plain = "FallbackDNS=\nLLMNR=no\nMulticastDNS=no\nDNSSEC=no\n"
        try Self.write("\(root)/run/systemd/resolved.conf.d/10-test.conf", "[Resolve]\n\(plain)\(settings)\n")
        if let server {
            // As systemd-networkd tells it what a link got.
            let index = try await network.run(["sh", "-c", "ip -o link show eth0 | cut -d: -f1"]).out
            let link = index.trimmingCharacters(in: .whitespacesAndNewlines)
            try Self.write(
                "\(root)/run/systemd/netif/links/\(link)",
                "ADMIN_STATE=configured\nOPER_STATE=routable\nDNS=\(server)\n")
        }
        // Its user may not exist on this machine.
        for (file, entry) in [
            ("passwd", "systemd-resolve:x:64997:64997::/:/usr/sbin/nologin"), ("group", "systemd-resolve:x:64997:"),
        ] {
            let present = try String(contentsOfFile: "/etc/\(file)", encoding: .utf8)
            let missing = present.contains("\nsystemd-resolve:") ? "" : "\(entry)\n"
            try Self.write("\(root)/\(file)", present + missing)
        }
        // What the service manager is asked to do for a service that knows no reload, until the next process is there. Who asks
        // has not got the right to end it.
        try Self.write(
            "\(root)/usr/bin/systemctl",
            """
            #!/bin/sh
            echo "$@" >> \(root)/told
            [ "$*" = 'try-reload-or-restart systemd-resolved.service' ] || exit 1
            before=$(cat \(root)/pid)
            : > \(root)/restart
            while [ "$(cat \(root)/pid)" = "$before" ]; do sleep 0.02; done

            """)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(root)/usr/bin/systemctl")
        // The mounts are of this process and its children alone.
        program = try network.start([
            "sh", "-c",
            """
            mount --bind \(root)/run /run && mount --bind \(root)/passwd /etc/passwd \
                && mount --bind \(root)/group /etc/group || exit 1
            while :; do
                [ -e \(root)/restart ] && rm \(root)/restart && kill "$(cat \(root)/pid)"
                sleep 0.02
            done &
            manager=$!
            trap 'kill $child $manager; exit' TERM
            while :; do
                LD_LIBRARY_PATH=\(URL(filePath: daemon).deletingLastPathComponent().path) \(daemon) &
                child=$!
                echo $child > \(root)/pid.new && mv \(root)/pid.new \(root)/pid
                wait $child
            done
            """,
        ])
        try await eventually(within: .seconds(30), "systemd-resolved to answer") { [network, program] in
            guard program.isRunning else { throw Program.Failure(description: "it ended\n\(program.output)") }
            return try await network.run(["dig", "@127.0.0.53", "+time=1", "+tries=1", "localhost"]).succeeded
        }
    }

    private static func write(_ path: String, _ text: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    func stop() async throws {
        await program.stop()
        try await network.remove()
        try? FileManager.default.removeItem(atPath: root)  // Left-over files do no harm.
    }

    /// What the daemon answers, as `dig +short` prints it.
    func resolve(_ name: String) async throws -> String {
        try await network.run(["dig", "@127.0.0.53", "+short", "+time=2", "+tries=1", name]).out
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The process that wired the machine; nil while none has.
    var wirer: pid_t? {
        let text = try? String(contentsOfFile: "\(root)/run/systemd/resolved.conf.d/zz-martlet.conf", encoding: .utf8)
        return text?.firstMatch(of: #/martlet (\d+)@/#).flatMap { pid_t($0.output.1) }
    }

    /// What `systemctl` was told so far.
    var told: [Substring] {
        ((try? String(contentsOfFile: "\(root)/told", encoding: .utf8)) ?? "").split(separator: "\n")
    }

    var log: String { program.output.err }
}
