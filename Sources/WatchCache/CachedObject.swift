package import KubeModel
package import Store
import Synchronization

/// One state of one object as clients see it: its served bytes, encoded once. What selectors ask is read from the bytes
/// when they ask, so that an object costs little more than its JSON.
package final class CachedObject: Sendable {
    /// The complete served JSON, with `metadata.resourceVersion`.
    package let bytes: [UInt8]
    /// What `resourceVersion` says.
    package let revision: Revision
    package let createRevision: Revision
    private let key: ObjectKey
    /// The value of `metadata.labels` in `bytes`; empty when there is none.
    private let labelsPlace: Range<UInt32>
    /// Where the digits of the version are in `bytes`; zero when there was no metadata to put them in.
    private let versionStart: UInt32
    /// Whether what was stored cannot be read: `bytes` then only say of what kind and name it is.
    package let isDamaged: Bool
    /// See ``NormalizedObject/lacksDefaults``.
    package let lacksDefaults: Bool
    /// The kind's own selectable fields, once somebody has selected by them.
    private let selected = AtomicLazyReference<SelectedFields>()

    /// The object in the one other encoding that clients ask for, once somebody has. It lives as long as the object.
    private let otherEncoding = AtomicLazyReference<Encoding>()

    private final class Encoding: Sendable {
        let bytes: [UInt8]
        init(_ bytes: [UInt8]) { self.bytes = bytes }
    }

    private final class SelectedFields: Sendable {
        let values: [String: String]
        init(_ values: [String: String]) { self.values = values }
    }

    /// Gives the value of each selectable field of a stored object's bytes.
    package typealias SelectableFields = @Sendable ([UInt8]) -> [String: String]

    /// - Parameters:
    ///   - stored: an object's bytes without resourceVersion.
    ///   - createRevision: nil: that of a new object, `revision`.
    ///   - isDamaged: whether `stored` stands for something that cannot be read.
    package init(
        relativeKey: String, stored: [UInt8], revision: Revision, createRevision: Revision? = nil,
        isDamaged: Bool = false, lacksDefaults: Bool = false
    ) {
        self.revision = revision
        self.isDamaged = isDamaged
        self.lacksDefaults = lacksDefaults
        self.createRevision = createRevision ?? revision
        guard let spans = Self.spans(of: stored) else {
            bytes = stored
            key = .text(relativeKey)
            labelsPlace = 0..<0
            versionStart = 0
            return
        }
        bytes = spans.splicing(resourceVersion: revision.rawValue, into: stored)
        // Everything in the metadata has moved behind the version.
        let distance = bytes.count - stored.count
        key = ObjectKey(
            relativeKey, in: bytes, namespace: Self.moved(spans.namespace, by: distance),
            name: Self.moved(spans.name, by: distance))
        let labels = Self.moved(spans.labels, by: distance)
        labelsPlace = UInt32(labels.lowerBound)..<UInt32(labels.upperBound)
        versionStart = UInt32(spans.start + MetadataSpans.versionPrefixLength)
    }

    private init(_ other: CachedObject, at revision: Revision) {
        self.revision = revision
        createRevision = other.createRevision
        isDamaged = other.isDamaged
        lacksDefaults = other.lacksDefaults
        versionStart = other.versionStart
        guard versionStart > 0 else {
            bytes = other.bytes
            key = other.key
            labelsPlace = other.labelsPlace
            return
        }
        let start = Int(versionStart)
        let digits = String(revision.rawValue).utf8
        let oldLength = String(other.revision.rawValue).utf8.count
        var bytes = other.bytes
        bytes.replaceSubrange(start..<(start + oldLength), with: digits)
        self.bytes = bytes
        let distance = digits.count - oldLength
        key = other.key.moved(by: distance)
        let labels = Self.moved(Int(other.labelsPlace.lowerBound)..<Int(other.labelsPlace.upperBound), by: distance)
        labelsPlace = UInt32(labels.lowerBound)..<UInt32(labels.upperBound)
    }

    /// Whether the bytes are an object at all.
    var hasMetadata: Bool { versionStart > 0 }

    /// `NAMESPACE/NAME`, or `NAME` of a cluster-scoped kind: the store key without the resource's prefix.
    package var relativeKey: String { key.text(in: bytes) }

    /// "" for a cluster-scoped kind.
    package var namespace: String {
        let text = relativeKey
        return Self.separator(in: text).map { String(text[..<$0]) } ?? ""
    }

    package var name: String {
        let text = relativeKey
        return Self.separator(in: text).map { String(text[text.index(after: $0)...]) } ?? text
    }

    package var uid: String {
        // Only bytes that are no object have no spans; they have no uid either.
        guard let spans = Self.spans(of: bytes) else { return "" }
        return String(decoding: bytes[spans.uid], as: UTF8.self)
    }

    /// The value of one label; nil when the object lacks it.
    package func label(_ key: String) -> String? {
        bytes.withUnsafeBufferPointer { bytes in
            let place = Int(labelsPlace.lowerBound)..<Int(labelsPlace.upperBound)
            return Selector.value(of: key, inEncodedLabels: UnsafeBufferPointer(rebasing: bytes[place]))
        }
    }

    /// Negative, zero or positive, as `relativeKey` is before, equal to or behind `other` by their bytes.
    package func order(to other: UnsafeBufferPointer<UInt8>) -> Int { key.order(in: bytes, to: other) }

    /// The same state under another version, as Kubernetes tells a deletion: the last state with the delete's version.
    package func restamped(_ revision: Revision) -> CachedObject {
        CachedObject(self, at: revision)
    }

    package func matches(_ labels: Selector) -> Bool {
        bytes.withUnsafeBufferPointer { bytes in
            let place = Int(labelsPlace.lowerBound)..<Int(labelsPlace.upperBound)
            return labels.matches(encodedLabels: UnsafeBufferPointer(rebasing: bytes[place]))
        }
    }

    /// What a field selector compares; "" for a field the object lacks.
    /// - Parameter selectable: the kind's fields besides name and namespace.
    package func field(_ path: String, _ selectable: SelectableFields?) -> String {
        switch path {
        case "metadata.name": return name
        case "metadata.namespace": return namespace
        default:
            guard let selectable else { return "" }
            let fields = selected.load() ?? selected.storeIfNil(SelectedFields(selectable(bytes)))
            return fields.values[path] ?? ""
        }
    }

    /// The object in another encoding than JSON: `encode` makes it of `bytes`, once for everybody. It must always be the
    /// same function.
    package func encoded<Failure: Error>(_ encode: ([UInt8]) throws(Failure) -> [UInt8]) throws(Failure) -> [UInt8] {
        if let encoding = otherEncoding.load() { return encoding.bytes }
        return otherEncoding.storeIfNil(Encoding(try encode(bytes))).bytes
    }

    /// The served form of a stored object's bytes.
    package static func bytes(_ stored: [UInt8], with revision: Revision) -> [UInt8] {
        spans(of: stored)?.splicing(resourceVersion: revision.rawValue, into: stored) ?? stored
    }

    private static func spans(of bytes: [UInt8]) -> MetadataSpans? {
        // The server stores objects only. Bytes that are none are served as they stand, with nothing to select by.
        guard bytes.count < 1 << 31, let spans = try? MetadataSpans(of: bytes) else { return nil }
        return spans
    }

    private static func moved(_ span: Range<Int>, by distance: Int) -> Range<Int> {
        span.isEmpty ? 0..<0 : (span.lowerBound + distance)..<(span.upperBound + distance)
    }

    private static func separator(in key: String) -> String.Index? {
        key.utf8.firstIndex(of: UInt8(ascii: "/"))
    }
}
