import APIResources
import KubeModel
import Patching
import WatchCache

/// An object as the cache has it, with the record of who owns which of its fields taken out: what the kind's rules look
/// at never has to walk over that.
struct LiveObject: Sendable {
    /// In the served form, without `metadata.managedFields`.
    let document: JSONValue
    /// The JSON of `metadata.managedFields`; empty when there is none.
    let managedFields: [UInt8]

    /// For an object that does not exist yet.
    static let none = LiveObject(document: .object(JSONObject()), managedFields: [])

    /// The document as a client sees it.
    func whole() throws(Status) -> JSONValue {
        guard !managedFields.isEmpty else { return document }
        var whole = document
        do {
            whole["metadata"]["managedFields"] = try JSONParser.parse(managedFields)
        } catch {
            throw Status.internalError("a stored object is not JSON")
        }
        return whole
    }
}

extension ServedResource {
    /// What the cache has, taken apart.
    /// - Parameter members: those of the document that is to replace it.
    func live(_ object: CachedObject, sharing members: ParsedMembers? = nil) throws(Status) -> LiveObject {
        guard !object.isDamaged else { throw Status.unreadable(definition.groupResource, [object.relativeKey]) }
        let (bytes, managedFields) = ManagedFieldsCut.cut(object.bytes)
        let stored: JSONValue
        do {
            stored = try JSONParser.parse(bytes, sharing: strategy.storedForm == nil ? members : nil)
        } catch {
            throw Status.internalError("stored object of \(groupResource) is not JSON")
        }
        return LiveObject(document: try strategy.storedForm?.decode(stored) ?? stored, managedFields: managedFields)
    }

    /// What goes into the store for a served document: arranged, without version, in the stored form, with
    /// `managedFields` in place of its own.
    func storedBytes(_ object: JSONValue, managedFields: [UInt8]) throws(Status) -> [UInt8] {
        let stored = try strategy.storedForm?.encode(object) ?? object
        let kept = strategy.storedForm?.definition ?? definition
        let arranged = DocumentOrder.arranged(stored, apiVersion: kept.apiVersion, kind: kept.kind)
        var output: [UInt8] = []
        output.reserveCapacity(1024 + managedFields.count)
        var isFirst = true
        for (key, value) in arranged {
            output.append(isFirst ? UInt8(ascii: "{") : UInt8(ascii: ","))
            isFirst = false
            JSONText.append(key, to: &output)
            output.append(UInt8(ascii: ":"))
            if key == "metadata", case .object(let metadata) = value {
                ManagedFieldsCut.encode(metadata, managedFields, into: &output)
            } else {
                value.encode(into: &output)
            }
        }
        output.append(UInt8(ascii: "}"))
        return output
    }

    /// As above, with the `metadata.managedFields` of the document.
    func storedBytes(_ object: JSONValue) throws(Status) -> [UInt8] {
        try storedBytes(object, managedFields: object["metadata"]["managedFields"]?.encoded() ?? [])
    }
}
