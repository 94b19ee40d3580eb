import DNS
import KubeClient
import KubeModel

/// What is said of a Corefile's lines, as Events of its ConfigMap.
///
/// Every node says the same: the name of an Event is made of what it says, so that it exists once, whoever comes first and
/// however often a node starts.
enum CorefileEvents {
    /// Findings of one Corefile that are told, at most.
    static let limit = 64
    static let component = "martlet-dns"

    static func event(_ message: String, reason: String, about map: ObjectReference, now: Timestamp) -> Event {
        let text = Array("\(map.uid ?? "") \(reason) \(message)".utf8)
        let name = "\(map.name ?? "corefile").\(String(KeyedHash.hash(text.span, seed: 0), radix: 16))"
        var about = map
        about.resourceVersion = nil
        return Event(
            metadata: ObjectMeta(name: name, namespace: map.namespace ?? "kube-system"), involvedObject: about,
            reason: reason, message: message, source: EventSource(component: component), firstTimestamp: now,
            lastTimestamp: now, count: 1, type: "Warning", reportingComponent: component, reportingInstance: component)
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
