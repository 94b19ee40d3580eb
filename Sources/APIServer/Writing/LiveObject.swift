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
    /// What another state of the object may share with the text that the document was read from.
    var members: ParsedMembers?

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
        var known: ParsedMembers?
        do {
            stored = try JSONParser.parse(
                bytes, sharing: strategy.storedForm == nil ? members : nil, members: &known, except: "metadata")
        } catch {
            throw Status.internalError("stored object of \(groupResource) is not JSON")
        }
        guard let form = strategy.storedForm else {
            return LiveObject(document: stored, managedFields: managedFields, members: known)
        }
        return LiveObject(document: try form.decode(stored), managedFields: managedFields)
    }

    /// What goes into the store for a served document: arranged, without version, in the stored form, with
    /// `managedFields` in place of its own.
    /// - Parameter known: members that the document may still have; what it has of them is copied and not written anew.
    func storedBytes(
        _ object: JSONValue, managedFields: [UInt8], known: [ParsedMembers] = []
    ) throws(Status) -> [UInt8] {
        let stored = try strategy.storedForm?.encode(object) ?? object
        let kept = strategy.storedForm?.definition ?? definition
        var output: [UInt8] = []
        output.reserveCapacity(1024 + managedFields.count + known.reduce(0) { max($0, $1.byteCount) })
        output += "{\"apiVersion\":".utf8
        JSONText.append(kept.apiVersion, to: &output)
        output += ",\"kind\":".utf8
        JSONText.append(kept.kind, to: &output)
        output += ",\"metadata\":".utf8
        ManagedFieldsCut.encode(DocumentOrder.metadata(of: stored), managedFields, into: &output)
        for (key, value) in stored.object ?? JSONObject() where !DocumentOrder.isLeading(key) {
            output.append(UInt8(ascii: ","))
            JSONText.append(key, to: &output)
            output.append(UInt8(ascii: ":"))
            if !known.contains(where: { $0.append(key, value, to: &output) }) { value.encode(into: &output) }
        }
        output.append(UInt8(ascii: "}"))
        return output
    }

    /// As above, with the `metadata.managedFields` of the document.
    func storedBytes(_ object: JSONValue) throws(Status) -> [UInt8] {
        try storedBytes(object, managedFields: object["metadata"]["managedFields"]?.encoded() ?? [])
    }
}
