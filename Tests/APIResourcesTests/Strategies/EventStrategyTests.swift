import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of Events") struct EventStrategyTests {
    static let core: JSONValue = [
        "apiVersion": "v1", "kind": "Event", "metadata": ["name": "e", "namespace": "default"],
        "involvedObject": ["kind": "Service", "namespace": "default", "name": "web", "uid": "u"], "reason": "Allocated",
        "message": "got 192.0.2.1", "source": ["component": "lb"], "count": 3, "type": "Normal",
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:01:00Z", "reportingComponent": "",
        "reportingInstance": "",
    ]
    static let events: JSONValue = [
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": ["name": "e", "namespace": "default"],
        "eventTime": "2026-01-01T00:00:00.000000Z", "regarding": ["kind": "Pod", "namespace": "default", "name": "p"],
        "reason": "Started", "action": "Start", "note": "it runs", "type": "Normal",
        "reportingController": "example.com/kubelet", "reportingInstance": "node-1",
    ]

    @Test(arguments: [core, EventForms.stored(events)])
    func `the two views hold the same and convert into each other`(stored: JSONValue) {
        let served = EventForms.served(stored)
        #expect(served["apiVersion"] == "events.k8s.io/v1")
        #expect(served["regarding"] == stored["involvedObject"] && served["note"] == stored["message"])
        #expect(served["deprecatedSource"] == stored["source"] && served["deprecatedCount"] == stored["count"])
        #expect(served["deprecatedFirstTimestamp"] == stored["firstTimestamp"])
        #expect(served["deprecatedLastTimestamp"] == stored["lastTimestamp"])
        #expect(served["reportingController"] == stored["reportingComponent"])
        #expect(served["message"] == nil && served["involvedObject"] == nil)
        #expect(EventForms.stored(served) == stored)
    }

    @Test func `both views find an Event by what it is about`() {
        let fields = EventStrategy().selectableFields(of: Self.core)
        #expect(fields["involvedObject.name"] == "web" && fields["regarding.name"] == "web")
        #expect(fields["source"] == "lb" && fields["type"] == "Normal" && fields["reason"] == "Allocated")
        let newer = EventsEventStrategy().selectableFields(of: EventForms.stored(Self.events))
        #expect(newer["source"] == "example.com/kubelet" && newer["reportingController"] == "example.com/kubelet")
        for strategy: any ResourceStrategy in [EventStrategy(), EventsEventStrategy()] {
            #expect(strategy.selectableFieldNames.allSatisfy { fields[$0] != nil })
        }
    }

    @Test func `good Events are taken`() {
        #expect(StrategyFixture(strategy: EventStrategy()).create(Self.core).refusals.isEmpty)
        #expect(StrategyFixture(strategy: EventsEventStrategy()).create(Self.events).refusals.isEmpty)
    }

    @Test func `an Event about a cluster-scoped object lives in default`() {
        var event = Self.core
        event["involvedObject"] = ["kind": "Node", "name": "n"]
        #expect(StrategyFixture(strategy: EventStrategy()).create(event).refusals.isEmpty)
        event["metadata"]["namespace"] = "shop"
        #expect(
            StrategyFixture(strategy: EventStrategy()).create(event).refusals
                == ["involvedObject.namespace: Invalid value: \"\": does not match event.namespace"])
    }

    @Test func `a new-style Event says who did what and leaves the old fields alone`() {
        let event: JSONValue = [
            "metadata": ["name": "e", "namespace": "default"], "eventTime": "2026-01-01T00:00:00.000000Z",
            "regarding": ["namespace": "default"], "type": "Odd", "deprecatedCount": 1, "series": ["count": 1],
        ]
        #expect(
            StrategyFixture(strategy: EventsEventStrategy()).create(event).refusals == [
                "reportingController: Required value", "reportingInstance: Required value", "action: Required value",
                "reason: Required value", "type: Invalid value: \"\": has invalid value: Odd",
                "count: Invalid value: \"\": needs to be unset",
                "series.count: Invalid value: \"\": should be at least 2",
                "series.lastObservedTime: Required value",
            ])
    }

    @Test func `a new-style Event changes only in its series`() {
        let fixture = StrategyFixture(strategy: EventsEventStrategy())
        var event = Self.events
        event["series"] = ["count": 2, "lastObservedTime": "2026-01-01T00:00:05.000000Z"]
        #expect(fixture.update(event, from: Self.events).refusals.isEmpty)
        event["note"] = "other"
        #expect(
            fixture.update(event, from: Self.events).refusals
                == ["note: Invalid value: \"other\": field is immutable"])
    }
}
