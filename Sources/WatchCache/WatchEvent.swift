package import KubeModel
package import Store

/// One line of a watch.
package struct WatchEvent: Sendable {
    package enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
        case error = "ERROR"
    }

    private enum Source: Sendable {
        case change(ChangeEvent)
        case object
        case document([UInt8])
    }

    package let kind: Kind
    /// `nil` of a bookmark or error.
    package let object: CachedObject?
    /// Everything up to here has been told; of an error, zero.
    package let revision: Revision
    /// Whether this is the bookmark that closes the initial events (`k8s.io/initial-events-end`).
    package let endsInitialEvents: Bool
    /// Of an error.
    package let status: Status?
    private let source: Source

    init(_ kind: Kind, _ object: CachedObject, change: ChangeEvent) {
        self.kind = kind
        self.object = object
        revision = change.revision
        endsInitialEvents = false
        status = nil
        source = .change(change)
    }

    /// The synthetic event for an object that was there when the watch began.
    init(initial object: CachedObject) {
        kind = .added
        self.object = object
        revision = object.revision
        endsInitialEvents = false
        status = nil
        source = .object
    }

    init(bookmark revision: Revision, apiVersion: String, kind: String, endsInitialEvents: Bool) {
        self.kind = .bookmark
        object = nil
        self.revision = revision
        self.endsInitialEvents = endsInitialEvents
        status = nil
        source = .document(
            Self.bookmark(revision, apiVersion: apiVersion, kind: kind, endsInitialEvents: endsInitialEvents))
    }

    package init(_ status: Status) {
        kind = .error
        object = nil
        revision = .zero
        endsInitialEvents = false
        self.status = status
        source = .document(status.json.encoded())
    }

    /// `{"type":"ADDED","object":{…}}` and a newline. Of a change it is encoded once for all watchers.
    package var line: [UInt8] {
        switch source {
        case .change(let change): object.map { change.line(kind, $0) } ?? []
        case .object: Self.line(kind, object?.bytes ?? [])
        case .document(let bytes): Self.line(kind, bytes)
        }
    }

    /// At least the length of what `line` gives, without encoding it.
    var estimatedBytes: Int {
        if case .document(let bytes) = source { return bytes.count + 32 }
        return (object?.bytes.count ?? 0) + 32
    }

    /// The line for an object that was encoded otherwise (a Table, another version).
    package static func line(_ kind: Kind, _ object: [UInt8]) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(object.count + 40)
        append(kind, object, to: &line)
        return line
    }

    package func append(to output: inout [UInt8]) {
        switch source {
        case .change: output += line
        case .object: Self.append(kind, object?.bytes ?? [], to: &output)
        case .document(let bytes): Self.append(kind, bytes, to: &output)
        }
    }

    /// The object of a bookmark: nothing but its kind and version.
    package static func bookmark(
        _ revision: Revision, apiVersion: String, kind: String, endsInitialEvents: Bool
    ) -> [UInt8] {
        var metadata: JSONObject = ["resourceVersion": .string(revision.description)]
        if endsInitialEvents { metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
        let document: JSONObject = [
            "kind": .string(kind), "apiVersion": .string(apiVersion), "metadata": .object(metadata),
        ]
        return JSONValue.object(document).encoded()
    }

    private static func append(_ kind: Kind, _ object: [UInt8], to output: inout [UInt8]) {
        output += "{\"type\":\"".utf8
        output += kind.rawValue.utf8
        output += "\",\"object\":".utf8
        output += object
        output += "}\n".utf8
    }
}
