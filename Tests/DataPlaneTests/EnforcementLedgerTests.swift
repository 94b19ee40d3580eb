import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("What is not served is told once")
struct EnforcementLedgerTests {
    private let web = NamespacedName(namespace: "shop", name: "web")

    private func problem(
        _ address: String = "127.96.0.1:80", _ reason: EnforcementProblem.Reason = .notPermitted, _ message: String = ""
    ) -> EnforcementProblem {
        EnforcementProblem(
            key: FrontendKey(transport: .tcp, address: SocketAddress(address)!), role: .clusterIP, reason: reason,
            message: message)
    }

    private func report(_ problems: [NamespacedName: [EnforcementProblem]]) -> EnforcementReport {
        EnforcementReport(problems: problems, servedCount: 7)
    }

    @Test func `a problem is news when it begins and when it ends`() {
        var ledger = EnforcementLedger()
        #expect(ledger.take(report([web: [problem()]]), gone: []) == [.began(web, problem())])
        #expect(ledger.take(report([web: [problem("127.96.0.1:80", .notPermitted, "other words")]]), gone: []).isEmpty)
        #expect(ledger.worthRepeating == [web])
        let ended = ledger.take(report([web: []]), gone: [])
        #expect(ended == [.ended(web, problem("127.96.0.1:80", .notPermitted, "other words"))])
        #expect(ledger.problems.isEmpty && ledger.worthRepeating.isEmpty && ledger.servedCount == 7)
    }

    @Test func `another reason is news`() {
        var ledger = EnforcementLedger()
        _ = ledger.take(report([web: [problem()]]), gone: [])
        let used = problem("127.96.0.1:80", .addressInUse)
        #expect(ledger.take(report([web: [used]]), gone: []) == [.ended(web, problem()), .began(web, used)])
    }

    @Test func `a Service that is gone has no problems and no news`() {
        var ledger = EnforcementLedger()
        _ = ledger.take(report([web: [problem()]]), gone: [])
        #expect(ledger.take(report([:]), gone: [web]).isEmpty)
        #expect(ledger.problems.isEmpty)
    }

    @Test func `conflicts and what cannot be served at all are not tried again`() {
        var ledger = EnforcementLedger()
        let conflict = problem("127.96.0.1:80", .conflict(winner: NamespacedName(namespace: "shop", name: "a")))
        _ = ledger.take(report([web: [conflict, problem("127.96.0.1:81", .unsupported)]]), gone: [])
        #expect(ledger.worthRepeating.isEmpty)
    }

    @Test func `the API server's own Service is no alarm, though it is tried again`() {
        var ledger = EnforcementLedger()
        _ = ledger.take(report([EnforcementLedger.quietService: [problem("127.96.0.1:443")]]), gone: [])
        #expect(ledger.alarming.isEmpty)
        #expect(EnforcementAdvice.summary(ledger) == nil && EnforcementAdvice.permission(ledger) == nil)
        #expect(ledger.worthRepeating == [EnforcementLedger.quietService])
    }

    @Test func `advice names the lowest port and the one command`() throws {
        var ledger = EnforcementLedger()
        let other = NamespacedName(namespace: "shop", name: "other")
        _ = ledger.take(
            report([web: [problem("127.96.0.2:443")], other: [problem("127.96.0.3:80"), problem("127.96.0.3:81")]]),
            gone: [])
        let advice = try #require(EnforcementAdvice.permission(ledger))
        #expect(advice.contains("80, 81, 443"))
        #expect(advice.hasSuffix("sudo sysctl net.ipv4.ip_unprivileged_port_start=80"))
        let summary = try #require(EnforcementAdvice.summary(ledger))
        #expect(
            summary == "NOT served: 3 addresses for want of permission "
                + "(to allow it: sudo sysctl net.ipv4.ip_unprivileged_port_start=80)")
        #expect(
            EnforcementAdvice.message(problem("127.96.0.3:81"), node: "n")
                .hasSuffix("sudo sysctl net.ipv4.ip_unprivileged_port_start=81"))
        _ = ledger.take(report([web: [], other: [problem("127.96.0.3:80", .addressInUse)]]), gone: [])
        #expect(EnforcementAdvice.summary(ledger) == "NOT served: 127.96.0.3:80/TCP (another listener has it)")
        #expect(EnforcementAdvice.permission(ledger) == nil)
    }
}
