import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// `--dns-host-resolver systemd-resolved` against the daemon itself. Another `martlet up`, with another domain, is the server
    /// that the machine had before.
    @Suite(
        "A machine whose names systemd-resolved answers for", .serialized,
        .enabled(if: ResolvedHost.isAvailable, "\(ResolvedHost.needs)"))
    struct ResolvedTests {
        private static let ours = "kubernetes.default.svc.cluster.local"
        private static let theirs = "kubernetes.default.svc.site.example"

        /// Where the machine's servers are from, and who is asked besides.
        struct Site: CustomTestStringConvertible, Sendable {
            let link: String?
            let settings: String
            var testDescription: String { link == nil ? "servers for every link" : "a server of a link" }
        }

        private func withHost(
            _ site: Site, _ body: (ResolvedHost, _ queries: @escaping @Sendable () -> String) async throws -> Void
        ) async throws {
            let host = try await ResolvedHost.start(link: site.link, site.settings)
            do {
                let log = "\(host.root)/queries"
                let before = try await MartletServer.start(
                    [
                        "up", "--local-only", "--http-port", "0", "--https-port", "0", "--dns-port", "53",
                        "--dns-address", ResolvedHost.address, "--cluster-domain", "site.example",
                        "--service-cluster-ip-range", "127.97.0.0/16", "--dns-log", log,
                    ], network: host.network)
                do {
                    try await body(host) { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
                } catch {
                    print("    \(host.log)\n\(host.told)")
                    await before.stop()
                    throw error
                }
                await before.stop()
            } catch {
                try await host.stop()
                throw error
            }
            try await host.stop()
        }

        @Test(arguments: [
            Site(link: ResolvedHost.address, settings: ""), Site(link: nil, settings: "DNS=\(ResolvedHost.address)"),
        ])
        func `names of the cluster are there while martlet runs, and the others all the time`(_ site: Site) async throws
        {
            try await withHost(site) { host, queries in
                try await eventually(within: .seconds(30), "the server of before") {
                    try await host.resolve(Self.theirs) == "127.97.0.1"
                }
                #expect(try await host.resolve(Self.ours).isEmpty)
                let martlet = try await MartletServer.start(
                    [
                        "up", "--local-only", "--http-port", "0", "--https-port", "0", "--dns-port", "5354",
                        "--dns-host-resolver", "systemd-resolved", "--dns-host-root", host.root,
                    ], network: host.network)
                do {
                    try await isWired(host, queries)
                    // Its next process wires the machine again.
                    let first = try #require(host.wirer)
                    kill(first, SIGKILL)
                    try await eventually(within: .seconds(30), "the next process") {
                        host.wirer.map { $0 != first } ?? false
                    }
                    try await isWired(host, queries)
                } catch {
                    await martlet.stop()
                    throw error
                }
                await martlet.stop()
                #expect(host.wirer == nil)
                try await eventually(within: .seconds(30), "the machine to be as before") {
                    let (others, own) = (try await host.resolve(Self.theirs), try await host.resolve(Self.ours))
                    return others == "127.97.0.1" && own.isEmpty
                }
                #expect(host.told.count == 4, "wired, healed, wired, taken back: \(host.told)")
            }
        }

        private func isWired(_ host: ResolvedHost, _ queries: @Sendable () -> String) async throws {
            try await eventually(within: .seconds(30), "a name of the cluster") {
                try await host.resolve(Self.ours) == "127.96.0.1"
            }
            // A name that nobody has in mind, and that nobody but its server is asked for.
            let before = queries().components(separatedBy: "cluster.local").count
            let name = "n\(UInt32.random(in: 0 ... .max)).default.svc.cluster.local"
            #expect(try await host.resolve(name).isEmpty)
            try await eventually(within: .seconds(30), "the others' names") {
                try await host.resolve(Self.theirs) == "127.97.0.1"
            }
            #expect(queries().components(separatedBy: "cluster.local").count == before, "\(queries())")
        }

        @Test func `where every server is asked by TLS nothing is wired, and it is said`() async throws {
            try await withHost(Site(link: ResolvedHost.address, settings: "DNSOverTLS=yes")) { host, _ in
                let martlet = try await MartletServer.start(
                    [
                        "up", "--local-only", "--http-port", "0", "--https-port", "0", "--dns-port", "5354",
                        "--dns-host-resolver", "systemd-resolved", "--dns-host-root", host.root,
                    ], network: host.network)
                do {
                    try await eventually(within: .seconds(30), "a word about it") {
                        try String(contentsOfFile: martlet.file("logs/dataplane.log"), encoding: .utf8)
                            .contains("systemd-resolved: DNSOverTLS=yes")
                    }
                } catch {
                    await martlet.stop()
                    throw error
                }
                #expect(host.wirer == nil && host.told.isEmpty)
                await martlet.stop()
            }
        }
    }
}
