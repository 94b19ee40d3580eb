import APIResources
import KubeModel
import Store
import WatchCache

/// Events of a watch stream in a form of one client's own: lines of JSON with a Table, PartialObjectMetadata or another
/// version, frames of protobuf. Plain JSON needs no encoder: those lines are shared between watchers.
struct WatchEncoder: Sendable {
    let resource: ServedResource
    let shape: ResponseShape
    let included: TableRenderer.IncludedObject

    /// Whether the shared lines of the cache are what this client wants.
    var takesSharedLines: Bool { shape.format == .json && takesSharedObjects }

    /// Whether what is made for this client serves every other one that wants the same encoding.
    private var takesSharedObjects: Bool { shape.form == .object && resource.strategy.storedForm == nil }

    /// The events of a batch in protobuf: encoded once for all who watch the objects as they are kept.
    /// - Returns: nil where the client wants no protobuf.
    func frames(_ batch: WatchBatch) -> [UInt8]? {
        guard shape.format == .protobuf else { return nil }
        return takesSharedObjects ? batch.encoded(frames) : frames(batch.events)
    }

    private func frames(_ events: [WatchEvent]) -> [UInt8] {
        var output: [UInt8] = []
        for event in events {
            do throws(Status) {
                output += try frame(event)
            } catch {
                output += Self.frame(error)
            }
        }
        return output
    }

    private func frame(_ event: WatchEvent) throws(Status) -> [UInt8] {
        switch event.kind {
        case .error: return Self.frame(event.status ?? .internalError("the watch ended"))
        case .bookmark:
            // Its object is nothing but kind and metadata.
            let document: JSONValue
            do {
                document = try JSONParser.parse(bookmark(event))
            } catch {
                throw .internalError("a bookmark is not JSON")
            }
            return ProtobufEncoder.event(type: event.kind.rawValue, object: ProtobufEncoder.answer(document))
        case .added, .modified, .deleted:
            let (apiVersion, kind) = resource.shownKind(shape.form)
            let message = try event.object.map { object throws(Status) in
                try resource.protobufMessage(object, shape.form)
            }
            return ProtobufEncoder.event(
                type: event.kind.rawValue,
                object: ProtobufEncoder.envelope(apiVersion: apiVersion, kind: kind, message ?? []))
        }
    }

    private static func frame(_ status: Status) -> [UInt8] {
        ProtobufEncoder.event(type: WatchEvent.Kind.error.rawValue, object: ProtobufEncoder.answer(status.json))
    }

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
            return MetadataCut.partialMetadata(.object(metadata), version: version).encoded()
        case .table(let version):
            // A Table has list metadata, which has no annotations: they stand in the object of its one row.
            let row = MetadataCut.partialMetadata(.object(metadata), version: version)
            let document: JSONValue = [
                "kind": "Table", "apiVersion": .string("meta.k8s.io/\(version)"),
                "metadata": ["resourceVersion": .string(event.revision.description)], "columnDefinitions": [],
                "rows": [["cells": [], "object": row]],
            ]
            return document.encoded()
        }
    }
}
