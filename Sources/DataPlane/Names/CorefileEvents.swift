import DNS
import KubeClient
import KubeModel

/// What is said of a Corefile's lines, as Events of its ConfigMap.
///
/// Every node says the same: the name of an Event is made of what it says, so that it exists once, whoever comes first and
/// however often a node starts. It counts the Corefiles that it was said of, by the revision of the ConfigMap.
enum CorefileEvents {
    /// Findings of one Corefile that are told, at most.
    static let limit = 64
    static let component = "martlet-dns"

    static func event(_ message: String, reason: String, about map: ObjectReference, now: Timestamp) -> Event {
        let text = Array("\(map.uid ?? "") \(reason) \(message)".utf8)
        let name = "\(map.name ?? "corefile").\(String(KeyedHash.hash(text.span, seed: 0), radix: 16))"
        return Event(
            metadata: ObjectMeta(name: name, namespace: map.namespace ?? "kube-system"), involvedObject: map,
            reason: reason, message: message, source: EventSource(component: component), firstTimestamp: now,
            lastTimestamp: now, count: 1, type: "Warning", reportingComponent: component, reportingInstance: component)
    }

    /// What is to be written where the Event is there already: nil where it was said of the same Corefile.
    static func raised(_ present: Event, by event: Event) -> JSONValue? {
        guard let revision = event.involvedObject.resourceVersion,
            present.involvedObject.resourceVersion != revision
        else { return nil }
        var metadata: JSONValue = [:]
        // Of several nodes that say it one does.
        if let version = present.metadata.resourceVersion { metadata = ["resourceVersion": .string(version)] }
        var change: JSONValue = [
            "metadata": metadata, "involvedObject": ["resourceVersion": .string(revision)],
            "count": .integer(Int64((present.count ?? 1) + 1)),
        ]
        if let last = event.lastTimestamp { change["lastTimestamp"] = .string(last.description) }
        return change
    }

    /// What is closed comes first, so that it is told whatever else there is.
    static func events(_ findings: [NamesPlan.Finding], about map: ObjectReference, now: Timestamp) -> [Event] {
        (findings.filter(\.isClosing) + findings.filter { !$0.isClosing }).prefix(limit).map { finding in
            event(
                "\(finding.place): \(finding.message)",
                reason: finding.isClosing ? "CorefileLineClosed" : "CorefileLineIgnored", about: map, now: now)
        }
    }
}
