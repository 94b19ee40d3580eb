import DNS
import Foundation
import Glibc
import Logging
import NetworkTypes
import System
import Testing

@testable import DataPlane

@Suite("This machine asks the server, and is as before afterwards") final class HostResolverTests {
    private let root = FileManager.default.temporaryDirectory.appending(path: "host-\(UUID().uuidString)").path
    private let server = SocketAddress(ip: IPAddress(v4: 0x7f00_0036), port: 53)
    private let domain = ClusterNamesTests.name("cluster.local")

    init() throws {
        for directory in ["etc", "run", "usr/bin"] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(directory)", withIntermediateDirectories: true)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    private func write(_ path: String, _ text: String, mode: Int = 0o644) throws {
        try text.write(toFile: "\(root)/\(path)", atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(root)/\(path)")
    }

    private func read(_ path: String) -> String? { try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8) }

    private func resolver(_ wiring: HostWiring, _ owner: ProcessIdentity = .current) -> HostResolver {
        HostResolver(wiring, root: root, owner: owner, logger: Logger(label: "test"))
    }

    /// A process that is no more: this one has another beginning.
    private static let dead = ProcessIdentity(pid: getpid(), started: 1)

    private static let before =
        "# of dhcp\nsearch example.com\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n"
        + "nameserver 192.0.2.3\noptions edns0\n"

    @Test func `resolv.conf names the server first, those of before behind it, and comes back`() throws {
        try write("etc/resolv.conf", Self.before)
        let resolver = resolver(.resolvConf)
        resolver.heal()
        #expect(read("etc/resolv.conf") == Self.before)
        try resolver.wire(server, domain)
        let lines = try #require(read("etc/resolv.conf")).split(separator: "\n").dropFirst().map(String.init)
        #expect(
            lines == [
                "nameserver 127.0.0.54", "search example.com", "nameserver 192.0.2.1", "nameserver 192.0.2.2",
                "options edns0",
            ])
        // The server itself asks those of before, all of them.
        #expect(ResolverConfiguration(path: resolver.upstreamFile).servers.count == 3)
        resolver.unwire()
        #expect(read("etc/resolv.conf") == Self.before)
        #expect(read("etc/resolv.conf.before-martlet") == nil)
    }

    @Test func `a link is a link again afterwards`() throws {
        try write("run/stub", Self.before)
        symlink("../run/stub", "\(root)/etc/resolv.conf")
        let resolver = resolver(.resolvConf)
        try resolver.wire(server, domain)
        #expect(read("run/stub") == Self.before)
        #expect(read("etc/resolv.conf") != Self.before)
        resolver.unwire()
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/etc/resolv.conf") == "../run/stub")
    }

    @Test(arguments: HostWiring.allCases)
    func `who starts after one that was killed finds the machine as it was`(next: HostWiring) throws {
        try write("etc/resolv.conf", Self.before)
        try write("usr/bin/systemctl", "#!/bin/sh\necho \"$@\" >> \(root)/told\n", mode: 0o755)
        for wiring in [HostWiring.resolvConf, .systemdResolved] {
            try resolver(wiring, Self.dead).wire(server, domain)
        }
        let second = resolver(next)
        second.heal()
        #expect(read("etc/resolv.conf") == Self.before)
        #expect(read("run/systemd/resolved.conf.d/zz-martlet.conf") == nil)
        #expect(read("told")?.split(separator: "\n").count == 2)
        second.heal()
        #expect(read("told")?.split(separator: "\n").count == 2)
    }

    @Test func `what a process has that lives is left to it`() throws {
        try write("etc/resolv.conf", Self.before)
        try resolver(.resolvConf).wire(server, domain)
        let other = resolver(.resolvConf, ProcessIdentity(pid: getppid(), started: 1))
        other.heal()
        other.unwire()
        let third = resolver(.resolvConf, ProcessIdentity(pid: getppid(), started: 1))
        #expect(throws: DataPlaneError.self) { try third.wire(server, domain) }
        #expect(read("etc/resolv.conf")?.contains("127.0.0.54") == true)
        resolver(.none).unwire()
        #expect(read("etc/resolv.conf") == Self.before)
    }

    @Test func `what somebody else has written meanwhile stays`() throws {
        try write("etc/resolv.conf", Self.before)
        let resolver = resolver(.resolvConf)
        try resolver.wire(server, domain)
        try write("etc/resolv.conf", "nameserver 192.0.2.9\n")
        resolver.unwire()
        #expect(read("etc/resolv.conf") == "nameserver 192.0.2.9\n")
        #expect(read("etc/resolv.conf.before-martlet") == nil)
    }

    @Test(arguments: ["absent", "dangling", "marked without an owner"])
    func `the file of before comes back where nobody has another one`(state: String) throws {
        try write("etc/resolv.conf", Self.before)
        try resolver(.resolvConf, Self.dead).wire(server, domain)
        switch state {
        case "absent": unlink("\(root)/etc/resolv.conf")
        case "dangling":
            unlink("\(root)/etc/resolv.conf")
            symlink("nowhere", "\(root)/etc/resolv.conf")
        default: try write("etc/resolv.conf", "# Written by martlet and cut")
        }
        resolver(.none).heal()
        #expect(read("etc/resolv.conf") == Self.before)
        #expect(read("etc/resolv.conf.before-martlet") == nil)
    }

    @Test func `what is kept stays while the file of now cannot be read`() throws {
        try write("etc/resolv.conf", Self.before)
        let first = resolver(.resolvConf)
        try first.wire(server, domain)
        let long = String(repeating: "# long\n", count: 40_000)
        try write("etc/resolv.conf", long)
        resolver(.none).heal()
        first.unwire()
        #expect(read("etc/resolv.conf") == long && read("etc/resolv.conf.before-martlet") == Self.before)
        // Nor is it rewritten.
        #expect(throws: DataPlaneError.self) { try resolver(.resolvConf).wire(server, domain) }
    }

    @Test func `nobody takes back while another process is at it`() throws {
        // As between the two steps of another process: kept, and not rewritten yet.
        try write("etc/resolv.conf", Self.before)
        try write("etc/resolv.conf.before-martlet", Self.before)
        do {
            let lock = try HostWiringLock(path: "\(root)/run/martlet-resolv.conf.lock")
            resolver(.none).heal()
            #expect(read("etc/resolv.conf.before-martlet") == Self.before)
            #expect(throws: DataPlaneError.self) { try resolver(.resolvConf).wire(server, domain) }
            _ = consume lock
        }
        // Of one that was killed there: it goes.
        resolver(.none).heal()
        #expect(read("etc/resolv.conf") == Self.before && read("etc/resolv.conf.before-martlet") == nil)
    }

    @Test func `what comes after the end is not done`() throws {
        try write("etc/resolv.conf", Self.before)
        let resolver = resolver(.resolvConf)
        resolver.unwire()
        try resolver.wire(server, domain)
        #expect(read("etc/resolv.conf") == Self.before)
    }

    @Test func `systemd-resolved gets a drop-in for the domain, is told, and asks the uplinks' servers no detour`()
        throws
    {
        try write("usr/bin/systemctl", "#!/bin/sh\necho \"$@\" >> \(root)/told\n", mode: 0o755)
        let resolver = resolver(.systemdResolved)
        try resolver.wire(SocketAddress(ip: server.ip, port: 5354), domain)
        let text = try #require(read("run/systemd/resolved.conf.d/zz-martlet.conf"))
        #expect(text.hasSuffix("[Resolve]\nDNS=\nDNS=127.0.0.54:5354\nDomains=~cluster.local\n"))
        #expect(resolver.upstreamFile == "\(root)/etc/resolv.conf")
        try FileManager.default.createDirectory(
            atPath: "\(root)/run/systemd/resolve", withIntermediateDirectories: true)
        try write("run/systemd/resolve/resolv.conf", "nameserver 192.0.2.1\n")
        #expect(resolver.upstreamFile == "\(root)/run/systemd/resolve/resolv.conf")
        resolver.unwire()
        #expect(read("run/systemd/resolved.conf.d/zz-martlet.conf") == nil)
        #expect(
            read("told")
                == String(repeating: "try-reload-or-restart systemd-resolved.service\n", count: 2))
    }

    @Test func `servers that systemd-resolved has for every link stand behind ours`() throws {
        try write("usr/bin/systemctl", "#!/bin/sh\n", mode: 0o755)
        for folder in ["etc", "run"] {
            try FileManager.default.createDirectory(
                atPath: "\(root)/\(folder)/systemd/resolved.conf.d", withIntermediateDirectories: true)
        }
        try write("etc/systemd/resolved.conf", "[Resolve]\n#DNS=192.0.2.9\nDNS=192.0.2.1\n")
        try write("run/systemd/resolved.conf.d/60-site.conf", "[Resolve]\nDNS = 192.0.2.2#dns.example 192.0.2.1\n")
        let resolver = resolver(.systemdResolved)
        let wanted = "DNS=\nDNS=127.0.0.54:53 192.0.2.1 192.0.2.2#dns.example\n"
        try resolver.wire(server, domain)
        #expect(read("run/systemd/resolved.conf.d/zz-martlet.conf")?.contains(wanted) == true)
        resolver.unwire()
        // It would ask ours by TLS.
        try write("etc/systemd/resolved.conf.d/70-tls.conf", "[Resolve]\nDNSOverTLS=yes\n")
        #expect(throws: DataPlaneError.self) { try self.resolver(.systemdResolved).wire(server, domain) }
        #expect(read("run/systemd/resolved.conf.d/zz-martlet.conf") == nil)
    }

    @Test func `where nothing can be written nothing is different, and it is said`() throws {
        // A file in the place of a directory stops root as well.
        try FileManager.default.removeItem(atPath: "\(root)/run")
        try write("run", "")
        #expect(throws: DataPlaneError.self) { try resolver(.systemdResolved).wire(server, domain) }
        #expect(throws: DataPlaneError.self) { try resolver(.resolvConf).wire(server, domain) }
        #expect(read("etc/resolv.conf") == nil && read("etc/resolv.conf.before-martlet") == nil)
    }
}
