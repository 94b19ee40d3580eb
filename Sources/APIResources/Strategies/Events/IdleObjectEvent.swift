import KubeModel
import Store

/// The Event about an object that is kept and that nothing acts on: the header with the warning reaches only who wrote it,
/// and helpers like Helm and operators show none.
enum IdleObjectEvent {
    /// - Parameters:
    ///   - object: as it is stored; nil when it is removed.
    ///   - warnings: what the kind says about an object that nothing acts on.
    /// - Returns: what is to be written along with the object, once, when that begins to be so.
    static func companions(
        of object: JSONValue?, replacing old: JSONValue?, now: Timestamp, _ warnings: (JSONValue) -> [String]
    ) -> [Write] {
        guard let object, let message = warnings(object).first else { return [] }
        if let old, !warnings(old).isEmpty { return [] }
        let metadata = object["metadata"]
        let namespace = metadata["namespace"].string ?? "default"
        let uid = NameGenerator.uid()
        // A name has at most 253 bytes; that of an Event ends with what tells it from others.
        let subject = metadata["name"].string ?? ""
        let name = "\(subject.prefix(200)).\(uid.split(separator: "-").joined().prefix(16))"
        let component = "martlet-apiserver"
        let event: JSONValue = [
            "apiVersion": "v1", "kind": "Event",
            "metadata": [
                "name": .string(name), "namespace": .string(namespace), "uid": .string(uid),
                "creationTimestamp": .string(now.description),
            ],
            "involvedObject": [
                "kind": object["kind"] ?? "", "name": .string(subject),
                "uid": metadata["uid"] ?? "", "apiVersion": object["apiVersion"] ?? "",
            ],
            "reason": "NotActedOn", "message": .string(message), "source": ["component": .string(component)],
            "firstTimestamp": .string(now.description), "lastTimestamp": .string(now.description), "count": 1,
            "type": "Warning", "eventTime": .null, "reportingComponent": .string(component), "reportingInstance": "",
        ]
        return [.create(key: "/registry/core/events/\(namespace)/\(name)", value: event.encoded())]
    }
}
