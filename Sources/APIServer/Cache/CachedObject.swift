import KubeModel
import Store

/// One state of one object as clients see it: its served bytes, encoded once, and what selectors ask of it.
final class CachedObject: Sendable {
    /// `NAMESPACE/NAME`, or `NAME` of a cluster-scoped kind: the store key without the resource's prefix.
    let relativeKey: String
    let uid: String
    let labels: [String: String]
    /// The kind's selectable fields besides name and namespace.
    let fields: [String: String]
    /// The complete served JSON, with `metadata.resourceVersion`.
    let bytes: [UInt8]
    /// What `resourceVersion` says.
    let revision: Revision
    let createRevision: Revision
    /// Where the digits of the version are in `bytes`; empty when there was no metadata to put them in.
    private let version: Range<Int32>

    /// Reads `stored`, an object's bytes without resourceVersion.
    init(
        relativeKey: String, stored: [UInt8], revision: Revision, createRevision: Revision,
        selectableFields: SelectableFields?
    ) {
        self.relativeKey = relativeKey
        let metadata = Self.metadata(of: stored)
        uid = metadata?.uid ?? ""
        labels = metadata?.labels ?? [:]
        fields = selectableFields?(stored) ?? [:]
        bytes = metadata?.splicing(resourceVersion: revision.rawValue, into: stored) ?? stored
        if let metadata {
            let start = Int32(metadata.metadataStart + Self.versionKeyLength)
            version = start..<(start + Int32(String(revision.rawValue).utf8.count))
        } else {
            version = 0..<0
        }
        self.revision = revision
        self.createRevision = createRevision
    }

    private init(_ other: CachedObject, at revision: Revision) {
        relativeKey = other.relativeKey
        uid = other.uid
        labels = other.labels
        fields = other.fields
        createRevision = other.createRevision
        self.revision = revision
        var bytes = other.bytes
        let digits = Array(String(revision.rawValue).utf8)
        let old = other.version
        if old.isEmpty {
            version = old
        } else {
            bytes.replaceSubrange(Int(old.lowerBound)..<Int(old.upperBound), with: digits)
            version = old.lowerBound..<(old.lowerBound + Int32(digits.count))
        }
        self.bytes = bytes
    }

    /// Gives the value of each selectable field of a stored object's bytes.
    typealias SelectableFields = @Sendable ([UInt8]) -> [String: String]

    /// "" for a cluster-scoped kind.
    var namespace: String {
        Self.separator(in: relativeKey).map { String(relativeKey[..<$0]) } ?? ""
    }

    var name: String {
        Self.separator(in: relativeKey).map { String(relativeKey[relativeKey.index(after: $0)...]) } ?? relativeKey
    }

    /// The same state under another version, as Kubernetes tells a deletion: the last state with the delete's version.
    func restamped(_ revision: Revision) -> CachedObject {
        CachedObject(self, at: revision)
    }

    /// What a field selector compares; "" for a field the object lacks.
    func field(_ path: String) -> String {
        switch path {
        case "metadata.name": name
        case "metadata.namespace": namespace
        default: fields[path] ?? ""
        }
    }

    /// The served form of a stored object's bytes.
    static func bytes(_ stored: [UInt8], with revision: Revision) -> [UInt8] {
        metadata(of: stored)?.splicing(resourceVersion: revision.rawValue, into: stored) ?? stored
    }

    /// What `ObjectBytes.splicing` writes before the digits.
    private static let versionKeyLength = "\"resourceVersion\":\"".utf8.count

    private static func metadata(of stored: [UInt8]) -> KubeModel.ObjectBytes? {
        // The server stores objects only. Bytes that are none are served as they stand, with nothing to select by.
        try? KubeModel.ObjectBytes(stored)
    }

    private static func separator(in key: String) -> String.Index? {
        key.utf8.firstIndex(of: UInt8(ascii: "/"))
    }
}
