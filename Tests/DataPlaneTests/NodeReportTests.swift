import KubeClient
import KubeModel
import Logging
import NetworkTypes
import Testing
import TrafficModel
import Transport

@testable import DataPlane

@Suite("A node says how it does")
struct NodeReportTests {
    private let now = Timestamp("2026-01-02T03:04:05Z")!

    private func text(_ response: HTTPResponse?) -> String {
        String(decoding: response?.body.joined().map { $0 } ?? [], as: UTF8.self)
    }

    @Test func `a node that lost the server goes on, healthy, and says so in status and metrics`() {
        var report = NodeReport()
        report.servedAddresses = 1
        let ledger = EnforcementLedger()
        #expect(
            report.statusText(listening: "127.0.0.1:8080", ledger)
                == "1 service address, 0 routes for 0 hosts, 0 certificates · L7 proxy on 127.0.0.1:8080")
        #expect(text(report.metrics(followedBy: "")).contains("martlet_dataplane_api_server_connected 1\n"))
        report.staleFor = .seconds(42)
        #expect(
            report.statusText(listening: "x", ledger).hasSuffix(
                "; API server not heard for 40 s, serving the last known state"))
        let metrics = text(report.metrics(followedBy: ""))
        #expect(metrics.contains("martlet_dataplane_api_server_connected 0\n"))
        #expect(metrics.contains("martlet_dataplane_api_server_silent_seconds 42\n"))
        #expect(report.answer("/healthz", now: now, isStalled: false)?.status == 200)
        report.isStopping = true
        #expect(report.answer("/healthz", now: now, isStalled: false)?.status == 503)
        #expect(report.answer("/livez", now: now, isStalled: false)?.status == 200)
        #expect(report.answer("/other", now: now, isStalled: false) == nil)
    }

    @Test func `a node that stalled is neither healthy nor alive, and says since when`() {
        var report = NodeReport()
        report.times.add(.milliseconds(1), services: 1, now: 86_400)
        for path in ["/healthz", "/livez"] {
            let answer = report.answer(path, now: now, isStalled: true)
            #expect(answer?.status == 503)
            #expect(
                text(answer).contains(#""lastUpdated": "1970-01-02T00:00:00Z","currentTime": "2026-01-02T03:04:05Z""#))
        }
        #expect(text(report.answer("/livez", now: now, isStalled: false)).contains(#""lastUpdated": "2026-01"#))
    }

    @Test func `an outage is told afterwards, a moment's is not`() {
        var outage = Outage()
        outage.look(staleFor: .seconds(3), now: now)
        outage.look(staleFor: nil, now: now)
        #expect(outage.text == "")
        outage.look(staleFor: .seconds(3), now: now)
        outage.look(staleFor: .seconds(30), now: now)
        outage.look(staleFor: nil, now: now)
        #expect(outage.text.contains("for 30 s until 2026-01-02T03:04:05Z"))
    }

    @Test func `the node registers itself and keeps its condition`() async throws {
        let client = APIClient(transport: InMemoryAPI([Node.definition]))
        let registration = NodeRegistration(client: client, name: "vm", logger: Logger(label: "test"))
        let identity = NodeIdentity(name: "vm", ownAddresses: [.loopbackV4, IPAddress("192.0.2.7")!])
        await registration.update(identity, NodeCondition(isReady: true, reason: "DataPlaneReady", message: "fine"))
        let node = try await client.get(Node.self, "vm")
        #expect(node.status?.addresses?.map(\.address) == ["192.0.2.7", "vm"])
        #expect(node.status?.conditions?.map(\.message) == ["fine"])
        await registration.update(identity, NodeCondition(isReady: false, reason: "DataPlaneStopped", message: "over"))
        #expect(try await client.get(Node.self, "vm").status?.conditions?.map(\.status) == ["False"])
    }

    @Test func `a node that somebody else registered is left alone`() async throws {
        let client = APIClient(transport: InMemoryAPI([Node.definition]))
        _ = try await client.create(Node(metadata: ObjectMeta(name: "vm")))
        let registration = NodeRegistration(client: client, name: "vm", logger: Logger(label: "test"))
        await registration.update(
            NodeIdentity(name: "vm"), NodeCondition(isReady: true, reason: "DataPlaneReady", message: "fine"))
        #expect(try await client.get(Node.self, "vm").status == nil)
    }
}
