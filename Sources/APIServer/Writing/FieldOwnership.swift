import APIResources
import KubeModel
import Patching

/// Who owns which fields after a write: the record that `metadata.managedFields` keeps.
///
/// Source: Kubernetes' documentation of server-side apply, and k8s.io/apimachinery/pkg/util/managedfields.
struct FieldOwnership {
    let request: WriteRequest
    /// Where the other versions of a kind are found, in which managers may have named their fields.
    let resources: ServedResources

    private var resource: ServedResource { request.resource }

    init(_ request: WriteRequest, _ resources: ServedResources) {
        self.request = request
        self.resources = resources
    }

    /// Takes what a client says of the owners out of its document.
    static func takeManagedFields(from object: inout JSONValue) -> JSONValue? {
        guard object["metadata"]["managedFields"] != nil else { return nil }
        let given = object["metadata"]["managedFields"]
        object["metadata"]["managedFields"] = nil
        return given
    }

    /// The record of an object that is created by anything but an apply.
    ///
    /// - Parameters:
    ///   - object: with its defaults, and without what the server fills in, which nobody owns.
    ///   - given: what the client said of the owners.
    func created(_ object: JSONValue, given: JSONValue?) -> [UInt8] {
        var managed = Self.read(given) ?? ManagedFields()
        let comparison = FieldComparison(
            from: .object(JSONObject()), to: object, schema: resource.schema, hasZeroFields: hasZeroFields)
        managed.recordUpdate(
            by: identity(.update), .init(comparison, apiVersion: resource.apiVersion) { _ in nil },
            ignoring: ignored, time: request.now.description)
        return managed.encoded()
    }

    /// The record after a change by anything but an apply.
    ///
    /// - Parameters:
    ///   - object: as it will be, without what allocation will put in.
    ///   - given: what the client said of the owners.
    func updated(_ live: LiveObject, to object: JSONValue, given: JSONValue?) -> [UInt8] {
        var managed: ManagedFields
        var isClients = false
        switch replacement(given, live) {
        case .none: managed = Self.read(live.managedFields)
        case .some(let replaced):
            managed = replaced
            isClients = true
        }
        // An object whose owners nobody has kept track of stays so until it is first applied.
        if managed.isEmpty { return [] }
        let comparison = comparison(from: live.document, to: object, in: resource.apiVersion)
        if comparison?.isEmpty ?? true { return isClients ? managed.encoded() : live.managedFields }
        guard let comparison else { return live.managedFields }
        managed.recordUpdate(
            by: identity(.update),
            .init(comparison, apiVersion: resource.apiVersion) { version in
                self.comparison(from: live.document, to: object, in: version)
            }, ignoring: ignored, time: request.now.description)
        return managed.encoded()
    }

    /// Whether two records say the same but for times.
    static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        if left == right { return true }
        let (left, right) = (read(left), read(right))
        guard left.entries.count == right.entries.count else { return false }
        return left.entries.allSatisfy { entry in
            guard let twin = right[entry.identity] else { return false }
            return twin.fields == entry.fields && twin.identity == entry.identity
        }
    }

    // MARK: What is read

    /// What was stored; a record that can't be read counts as none, as it does for Kubernetes.
    static func read(_ encoded: [UInt8]) -> ManagedFields {
        (try? ManagedFields(encoded: encoded)) ?? ManagedFields()
    }

    /// The owners that a client names; nil when it names none, or not as it should.
    private static func read(_ given: JSONValue?) -> ManagedFields? {
        guard let list = given?.array, !list.isEmpty,
            // A list that can't be read stands for none.
            let managed = try? ManagedFields(list), !managed.isEmpty
        else { return nil }
        return managed
    }

    /// What is to stand in place of the live record; nil when that stays.
    private func replacement(_ given: JSONValue?, _ live: LiveObject) -> ManagedFields? {
        guard request.subresource == nil, let list = given?.array else { return nil }
        if list.isEmpty || (list.count == 1 && Self.isVoid(list[0])) { return ManagedFields() }
        // Clients send back what they got far more often than anything else.
        if JSONValue.array(list).encoded() == live.managedFields { return nil }
        return Self.read(given)
    }

    /// An entry without anything, with which clients ask to forget all owners.
    private static func isVoid(_ entry: JSONValue) -> Bool {
        guard case .object(let members) = entry else { return entry.isNull }
        return members.allSatisfy { $0.value.isNull || $0.value.string?.isEmpty == true }
    }

    // MARK: Versions

    func identity(_ operation: FieldManagerIdentity.Operation, manager: String? = nil) -> FieldManagerIdentity {
        FieldManagerIdentity(
            manager ?? request.manager, operation, apiVersion: resource.apiVersion,
            subresource: request.subresource?.rawValue ?? "")
    }

    /// Whether fields that Go always writes stand even where nobody has set them.
    var hasZeroFields: Bool { !request.strategy.isCustomResource }

    /// What a write to this path can't set: the status through the object, the rest through the status.
    var ignored: FieldSet {
        switch request.subresource {
        case nil: resource.definition.hasStatus ? Self.status : FieldSet()
        case .status, .approval: request.strategy.isCustomResource ? Self.allButStatus : Self.spec
        // A binding is not an update of the Pod: nobody owns what it sets.
        case .binding: Self.everything
        default: FieldSet()
        }
    }

    private static let status = FieldSet(fields: [["status"]])
    private static let spec = FieldSet(fields: [["spec"]])
    private static let everything = FieldSet(fields: [["spec"], ["metadata"], ["status"]])
    private static let allButStatus = FieldSet(fields: [["spec"], ["metadata"]])

    /// What changed, as managers name fields in a version of the API; nil when that is not served.
    func comparison(from old: JSONValue, to new: JSONValue, in version: String) -> FieldComparison? {
        guard let (old, schema) = form(of: old, in: version), let (new, _) = form(of: new, in: version) else {
            return nil
        }
        return FieldComparison(from: old, to: new, schema: schema, hasZeroFields: hasZeroFields)
    }

    /// A document in another version, with that version's schema; nil when that is not served or can't be converted.
    func form(of document: JSONValue, in version: String) -> (JSONValue, Schema?)? {
        if version == resource.apiVersion { return (document, resource.schema) }
        let parts = version.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2,
            let other = resources.find(
                group: parts.count == 2 ? String(parts[0]) : "", version: String(parts[parts.count - 1]),
                plural: resource.definition.plural), other.keyPrefix == resource.keyPrefix
        else { return nil }
        // Who owns what in a version that can't be had is known to nobody, as with one that is gone.
        guard let stored = try? resource.strategy.storedForm?.encode(document) ?? document,
            var converted = try? other.strategy.storedForm?.decode(stored) ?? stored
        else { return nil }
        converted["apiVersion"] = .string(version)
        return (converted, other.schema)
    }
}
