import KubeModel
import Testing

@testable import Controllers

@Suite("Annotations about limits") struct LimitAnnotationsTests {
    private static let prefix = "traffic.martlet.dev/"

    private static func read(_ annotations: [String: String]) -> LimitAnnotations {
        LimitAnnotations(Dictionary(uniqueKeysWithValues: annotations.map { (prefix + $0.key, $0.value) }))
    }

    @Test func `they are read, and guard nothing`() {
        #expect(Self.read([:]).limits == nil && Self.read([:]).slowStartSeconds == nil)
        let all = [
            "max-requests": "100", "max-requests-per-endpoint": "10", "max-queue": "50", "queue-timeout": "2",
            "slow-start": "30",
        ]
        #expect(Self.read(all).problems == [])
        #expect(
            Self.read(all).limits
                == RouteBackendLimits(requests: 100, requestsPerEndpoint: 10, queue: 50, queueSeconds: 2))
        #expect(Self.read(all).slowStartSeconds == 30)
        let keys = Dictionary(uniqueKeysWithValues: all.map { (Self.prefix + $0.key, $0.value) })
        #expect(IngressAnnotations(keys).guards == [] && IngressAnnotations(keys).ignored == [])
    }

    @Test(arguments: [
        (["max-requests": "0"], "max-requests"), (["max-requests-per-endpoint": "ten"], "max-requests-per-endpoint"),
        (["max-requests": "5", "max-queue": "-1"], "max-queue"), (["max-queue": "5"], "max-queue"),
        (["queue-timeout": "5"], "queue-timeout"), (["slow-start": "30s"], "slow-start"),
    ])
    func `what cannot be is told of by its annotation`(annotations: [String: String], name: String) {
        let read = Self.read(annotations)
        #expect(read.problems.count == 1)
        #expect(read.problems.first?.hasPrefix("\(Self.prefix)\(name): ") == true)
    }
}
