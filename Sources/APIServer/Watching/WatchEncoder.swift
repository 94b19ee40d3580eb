import KubeModel
import Store
import WatchCache

/// Events as lines of a watch stream in a form of one client's own: a Table, PartialObjectMetadata, another version.
/// Plain JSON needs no encoder: those lines are shared between watchers.
struct WatchEncoder: Sendable {
    let resource: ServedResource
    let shape: ResponseShape
    let included: TableRenderer.IncludedObject

    /// Whether the shared lines of the cache are what this client wants.
    var takesSharedLines: Bool { shape.form == .object && resource.strategy.storedForm == nil }

    /// One event.
    /// - Parameter withColumns: a Table stream defines its columns once.
    func line(_ event: WatchEvent, withColumns: Bool, now: Timestamp) throws(Status) -> [UInt8] {
        switch event.kind {
        case .error: return event.line
        case .bookmark: return WatchEvent.line(.bookmark, bookmark(event))
        case .added, .modified, .deleted:
            let bytes = try resource.served(bytes: event.object?.bytes ?? [])
            return WatchEvent.line(event.kind, try shaped(bytes, event.revision, withColumns: withColumns, now: now))
        }
    }

    private func shaped(_ bytes: [UInt8], _ revision: Revision, withColumns: Bool, now: Timestamp) throws(Status)
        -> [UInt8]
    {
        switch shape.form {
        case .object: return bytes
        case .partialMetadata(let version):
            var output: [UInt8] = []
            MetadataCut.partialMetadata(of: bytes, version: version, into: &output)
            return output
        case .table(let version):
            let table = TableRenderer(columns: resource.columns, version: version, included: included, now: now)
            let metadata: JSONValue = ["resourceVersion": .string(revision.description)]
            return try table.table([bytes], metadata: metadata.encoded(), withColumns: withColumns)
        }
    }

    private func bookmark(_ event: WatchEvent) -> [UInt8] {
        var metadata: JSONObject = ["resourceVersion": .string(event.revision.description)]
        if event.endsInitialEvents { metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
        switch shape.form {
        case .object:
            return WatchEvent.bookmark(
                event.revision, apiVersion: resource.apiVersion, kind: resource.definition.kind,
                endsInitialEvents: event.endsInitialEvents)
        case .partialMetadata(let version):
            let document: JSONValue = [
                "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"),
                "metadata": .object(metadata),
            ]
            return document.encoded()
        case .table(let version):
            // A Table has list metadata, which has no annotations: they stand in the object of its one row.
            let row: JSONValue = [
                "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"),
                "metadata": .object(metadata),
            ]
            let document: JSONValue = [
                "kind": "Table", "apiVersion": .string("meta.k8s.io/\(version)"),
                "metadata": ["resourceVersion": .string(event.revision.description)], "columnDefinitions": [],
                "rows": [["cells": [], "object": row]],
            ]
            return document.encoded()
        }
    }
}
