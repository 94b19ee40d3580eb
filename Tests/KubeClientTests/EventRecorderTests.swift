import KubeModel
import Logging
import Testing

@testable import KubeClient

@Suite("Events are told without making anybody wait") struct EventRecorderTests {
    private let about = ObjectReference(kind: "Service", namespace: "shop", name: "web", uid: "1", apiVersion: "v1")

    private func happening(_ message: String) -> EventCorrelator.Happening {
        EventCorrelator.Happening(about: about, type: .warning, reason: "Failed", message: message)
    }

    private func time(_ seconds: Int64) -> MicroTime { MicroTime(microsecondsSinceEpoch: seconds * 1_000_000) }

    @Test func `repeats raise the count of one Event`() {
        var correlator = EventCorrelator(component: "test", instance: "test-1")
        guard case .create(let event) = correlator.write(for: happening("no"), now: time(1), nonce: 255) else {
            Issue.record("the first time creates an Event")
            return
        }
        #expect(event.metadata.name == "web.ff")
        #expect(event.metadata.namespace == "shop")
        #expect(event.involvedObject == about)
        #expect(event.count == 1)
        #expect(event.type == "Warning")
        guard
            case .raise(let name, let count, let message, let last, _) = correlator.write(
                for: happening("no"), now: time(9), nonce: 1)
        else {
            Issue.record("a repeat raises the count")
            return
        }
        #expect(name == NamespacedName(namespace: "shop", name: "web.ff"))
        #expect(count == 2)
        #expect(message == "no")
        #expect(last == Timestamp(secondsSinceEpoch: 9))
    }

    @Test func `many different messages are combined`() {
        var correlator = EventCorrelator(component: "test", instance: "test-1")
        var created = 0
        var last: Event?
        for number in 0..<20 {
            switch correlator.write(for: happening("message \(number)"), now: time(1), nonce: UInt64(number)) {
            case .create(let event):
                created += 1
                last = event
            case .raise(_, _, _, _, let event): last = event
            case nil: break
            }
        }
        #expect(created == EventCorrelator.combineAfter)
        #expect(last?.message == "(combined from similar events): message 19")
    }

    @Test func `an object with too many Events is muted for a while`() {
        var correlator = EventCorrelator(component: "test", instance: "test-1")
        let written = (0..<60).filter { _ in correlator.write(for: happening("no"), now: time(1), nonce: 1) != nil }
        #expect(written.count == EventCorrelator.burst)
        let later = time(1 + EventCorrelator.refillSeconds)
        verify(correlator.write(for: happening("no"), now: later, nonce: 1) != nil)
        verify(correlator.write(for: happening("no"), now: later, nonce: 1) == nil)
    }

    @Test func `Events reach the server`() async throws {
        let api = InMemoryAPI([Event.definition])
        let client = APIClient(transport: api)
        let recorder = EventRecorder(
            client: client, component: "test", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        func events() async throws -> [Event] { try await client.list(Event.self).items }
        try await withBackground({ try await recorder.run() }) {
            recorder.record(.warning, about: about, reason: "Failed", message: "no")
            recorder.record(.warning, about: about, reason: "Failed", message: "no")
            recorder.record(.normal, about: about, reason: "Done", message: "yes")
            try await eventually {
                let counts = try await events().map(\.count)
                return counts.contains(2) && counts.count == 2
            }
            // An Event that expired on the server is made anew.
            for event in try await events() {
                try await client.delete(Event.self, event.metadata.name ?? "", namespace: "shop")
            }
            recorder.record(.warning, about: about, reason: "Failed", message: "no")
            try await eventually { try await events().map(\.count) == [3] }
        }
    }
}
