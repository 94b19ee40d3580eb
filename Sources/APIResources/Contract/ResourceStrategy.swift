package import KubeModel
package import Store

/// What no schema can say about one served resource: cross-field rules, immutability, status separation, allocation.
///
/// The request path calls a strategy between the schema (defaults, pruning, types) and the store. Documents are whole
/// objects (`apiVersion`, `kind`, `metadata`, …) that already passed the schema: types are right, defaults are set.
/// Order on create: `prepareForCreate` → `fillIn` → `validateCreate` → `allocate` → store → `commit` or `rollback`.
/// Order on update: `prepareForUpdate` → `validateUpdate` → `allocate` → store → `commit` or `rollback`.
///
/// The request path itself owns the metadata every kind shares: name and namespace, uid, creationTimestamp,
/// deletionTimestamp, resourceVersion, generation (by `generationRule`), the syntax of labels, annotations, finalizers
/// and owner references, and the immutability of all those. Strategies neither write nor check these.
///
/// Called from any thread and concurrently; implementations are immutable values or lock their own state.
package protocol ResourceStrategy: Sendable {
    /// Group, version, kind, plural, scope, short names, categories, and whether `/status` is served.
    var definition: ResourceDefinition { get }

    /// What `metadata.name` has to look like.
    var nameRule: NameRule { get }

    /// Whether PUT of a name that does not exist creates it (Service, Endpoints, Lease, Event in Kubernetes).
    var allowsCreateOnUpdate: Bool { get }

    /// Whether PUT without `metadata.resourceVersion` overwrites whatever is there.
    /// When false, such a request is 422 `metadata.resourceVersion: Invalid value: 0x0: must be specified for an update`.
    var allowsUnconditionalUpdate: Bool { get }

    /// Whether DELETE answers with the deleted object instead of a Status (Pod, Service, ServiceAccount in Kubernetes).
    var returnsDeletedObject: Bool { get }

    /// Whether strategic merge patches are served: not for custom resources.
    var servesStrategicMergePatch: Bool { get }

    /// Whether finalizers have to be qualified by a domain: not for custom resources.
    var requiresQualifiedFinalizers: Bool { get }

    /// What becomes of the dependents of a deleted object when the request does not say.
    var dependentsPolicy: DependentsPolicy { get }

    /// When `metadata.generation` is set to 1 and counted up.
    var generationRule: GenerationRule { get }

    /// Where the numbers of the subresource `scale` are; nil: the kind has none.
    var scale: ScaleMapping? { get }

    /// Subresources that Kubernetes has and that are answered with 501.
    var unimplementedSubresources: [SubresourceDefinition] { get }

    /// The field selectors of this kind besides `metadata.name` and `metadata.namespace`.
    var selectableFieldNames: [String] { get }

    /// Whether a CustomResourceDefinition declares the kind. Its documents are pruned as structural schemas are, a value of
    /// a wrong type is the strategy's to refuse (422), and there is no strategic merge patch.
    var isCustomResource: Bool { get }

    /// The most that defaults add for one value of a document, in bytes: a small document may be much work.
    var mostAddedByDefaults: Int { get }

    /// What clients are told with every answer, because the version is deprecated; nil: nothing.
    var deprecationWarning: String? { get }

    /// Whether the schema's constraints (`required`, `enum`, `minLength`, unique keys, …) are rules: for kinds of our own.
    /// Of Kubernetes' kinds the published schema describes what is written; what is accepted is what a Go program can
    /// decode and the kind's own rules let pass.
    var isCheckedBySchema: Bool { get }

    /// How the served document differs from the stored one; nil when they are the same
    /// (events.k8s.io/v1 Events are stored as core/v1 Events).
    var storedForm: StoredForm? { get }

    /// How long after `creationTimestamp` an object is removed by itself; nil: never. Seconds.
    var timeToLiveSeconds: Int? { get }

    /// Value of each name in `selectableFieldNames`; a missing field has the value "". Gets the *stored* form.
    func selectableFields(of object: JSONValue) -> [String: String]

    /// How long a deleted object stays so that what it stands for can end in order; nil for kinds that are just removed
    /// (all but Pods). 0: nothing has to be waited for. `requested`: what the deletion asks for, not negative.
    func gracePeriodSeconds(for object: JSONValue, requested: Int64?) -> Int64?

    /// Brings a new object into shape: drops `status` and other fields that users may not set, and sets defaults that
    /// depend on other fields. What is there afterwards belongs to the creator (`metadata.managedFields`).
    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext)

    /// Sets in a new object what the server generates: what Kubernetes' strategies and admission plugins do once the owners
    /// are noted, so that nobody owns it. Called after `prepareForCreate`.
    func fillIn(_ object: inout JSONValue, _ context: StrategyContext)

    /// Brings a changed object into shape: `status` is taken from `old`, immutable server-owned fields too.
    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext)

    /// The same for a write through `/status`: everything but `status` is taken from `old`.
    func prepareForStatusUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext)

    /// The subresource through which a part of the object is written that no other path takes; nil: there is none.
    var partSubresource: String? { get }

    /// The same for a write through `partSubresource`: everything but that part is taken from `old`.
    func prepareForPartUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext)

    /// Called when the deletion of an object is asked for, once: sets the finalizers that its end waits for.
    func prepareForDeletion(_ object: inout JSONValue, now: Timestamp)

    /// Every broken rule of those that hold for a create and an update alike.
    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError]

    /// Every broken rule, all at once; unless a kind says more, those of `validate`.
    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError]
    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError]
    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError]
    func validatePartUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError]

    /// Texts for `Warning: 299` headers of a create or update (`old` nil on create).
    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String]

    /// Claims what the object asks for (addresses, ports), writes what was chosen into it, and returns the claim, or nil
    /// when there is nothing to claim or release. `old` is nil on create. Called after validation; not for `/status`.
    /// May be called again for the same request after a lost race, each time with its own transaction.
    /// - Throws: the answer for the client (422 Invalid, 500 when a range is exhausted), with nothing left claimed.
    func allocate(_ object: inout JSONValue, replacing old: JSONValue?, _ context: StrategyContext) throws(Status)
        -> (any AllocationTransaction)?

    /// What is to be written in the same commit as this object, for objects that exist because it does (the IPAddresses
    /// of a Service). `object` is nil on deletion, `old` on create. Called after `allocate`, right before the store; not
    /// for `/status`. A companion whose precondition fails is left out.
    func companions(of object: JSONValue?, replacing old: JSONValue?, _ context: StrategyContext) -> [Write]

    /// Gives back everything a deleted object held. Called once, after the deletion is on disk.
    func release(_ object: JSONValue)

    /// Claims what objects found in the store at start hold. Called before the first request, once for each object, if
    /// `holdsClaims`.
    func restore(_ object: JSONValue)

    /// Whether objects of the kind hold claims: `restore` is called for no other kind, which saves the start from parsing
    /// all objects.
    var holdsClaims: Bool { get }
}

/// Claims made for one write: exactly one of the two is called, after the store has answered, on the store's thread.
package protocol AllocationTransaction: Sendable {
    /// The write is on disk: keep what was claimed, release what the old object held and the new one does not.
    func commit()
    /// The write was refused, lost a race or was a dry run: release what was claimed.
    func rollback()
}

/// What a strategy may know of the request.
package struct StrategyContext: Sendable {
    /// The namespace of the request; "" for cluster-scoped kinds.
    package var namespace: String
    package var name: String
    package var user: UserInfo
    package var isDryRun: Bool
    /// When the request is handled.
    package var now: Timestamp

    package init(
        namespace: String, name: String, user: UserInfo = UserInfo(name: ""), isDryRun: Bool = false, now: Timestamp
    ) {
        self.namespace = namespace
        self.name = name
        self.user = user
        self.isDryRun = isDryRun
        self.now = now
    }
}

/// Kubernetes' rules for `metadata.name`.
package enum NameRule: Sendable, Hashable {
    /// RFC 1123 subdomain, at most 253 characters: most kinds.
    case dnsSubdomain
    /// RFC 1123 label, at most 63: Namespace, and Service since 1.34 (RelaxedServiceNameValidation is beta).
    case dnsLabel
    /// RFC 1035 label, at most 63: Service.
    case dns1035Label
    /// A path segment: not ".", "..", no "/" or "%".
    case pathSegment
    /// An IP address as it is written canonically: IPAddress.
    case ipAddress

    /// What is wrong with a name, in Kubernetes' words.
    package func complaints(about name: String) -> [String] {
        switch self {
        case .dnsSubdomain: Validation.dns1123Subdomain(name)
        case .dnsLabel: Validation.dns1123Label(name)
        case .dns1035Label: Validation.dns1035Label(name)
        case .pathSegment: Validation.pathSegmentName(name)
        case .ipAddress: AddressMessages.complaints(about: name)
        }
    }
}

/// What the deletion of an object means for those that name it as an owner (Kubernetes: `GarbageCollectionPolicy`).
package enum DependentsPolicy: Sendable, Hashable {
    /// They are deleted.
    case delete
    /// They stay (ReplicationController, batch/v1 Job).
    case orphan
    /// The kind takes no part in garbage collection, whatever is asked for (Event).
    case unsupported
}

/// When `metadata.generation` counts.
package enum GenerationRule: Sendable, Hashable {
    /// The kind has no generation (ConfigMap, Secret, Namespace, Node, Endpoints, …).
    case none
    /// 1 on create, +1 when `spec` changes.
    case spec
    /// 1 on create, +1 when anything outside `metadata` and `status` changes.
    case content
    /// 1 on create, +1 when anything outside `metadata` changes.
    case contentAndStatus
    /// As `content`, and also when labels change (EndpointSlice).
    case contentAndLabels
}

/// A kind that is kept under another group and version.
package struct StoredForm: Sendable {
    /// The resource whose store prefix and cache are used.
    package var definition: ResourceDefinition
    /// Served → stored. The request path has checked the document against the served schema. What it throws is the answer
    /// to a client whose document can't be converted.
    package var encode: @Sendable (JSONValue) throws(Status) -> JSONValue
    /// Stored → served. Throws as `encode` does.
    package var decode: @Sendable (JSONValue) throws(Status) -> JSONValue
    /// Stored → served without reading the document, where that can be done; it gives nil where it can't.
    package var decodeBytes: (@Sendable ([UInt8]) -> [UInt8]?)?

    package init(
        definition: ResourceDefinition, encode: @escaping @Sendable (JSONValue) throws(Status) -> JSONValue,
        decode: @escaping @Sendable (JSONValue) throws(Status) -> JSONValue
    ) {
        self.definition = definition
        self.encode = encode
        self.decode = decode
    }
}

extension ResourceStrategy {
    package var nameRule: NameRule { .dnsSubdomain }
    package var allowsCreateOnUpdate: Bool { false }
    package var allowsUnconditionalUpdate: Bool { true }
    package var returnsDeletedObject: Bool { false }
    package var servesStrategicMergePatch: Bool { true }
    package var requiresQualifiedFinalizers: Bool { servesStrategicMergePatch }
    package var dependentsPolicy: DependentsPolicy { .delete }
    package var generationRule: GenerationRule { .none }
    package var scale: ScaleMapping? { nil }
    package var unimplementedSubresources: [SubresourceDefinition] { [] }
    package var partSubresource: String? { nil }
    package var selectableFieldNames: [String] { [] }
    package var isCustomResource: Bool { false }
    package var mostAddedByDefaults: Int { 0 }
    package var deprecationWarning: String? { nil }
    package var isCheckedBySchema: Bool { false }
    package var storedForm: StoredForm? { nil }
    package var timeToLiveSeconds: Int? { nil }
    package var holdsClaims: Bool { false }

    package func selectableFields(of object: JSONValue) -> [String: String] { [:] }
    package func gracePeriodSeconds(for object: JSONValue, requested: Int64?) -> Int64? { nil }

    package func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        if definition.hasStatus { object["status"] = nil }
    }

    package func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        if definition.hasStatus { object["status"] = old["status"] }
    }

    package func prepareForStatusUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        object["spec"] = old["spec"]
    }

    package func prepareForPartUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        object = old
    }

    package func validatePartUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext)
        -> [FieldError]
    {
        []
    }

    package func fillIn(_ object: inout JSONValue, _ context: StrategyContext) {}

    package func prepareForDeletion(_ object: inout JSONValue, now: Timestamp) {}

    package func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] { [] }
    package func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        validate(object, context)
    }
    package func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        validate(object, context)
    }
    package func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext)
        -> [FieldError]
    {
        []
    }
    package func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] { [] }
    package func allocate(_ object: inout JSONValue, replacing old: JSONValue?, _ context: StrategyContext)
        throws(Status)
        -> (any AllocationTransaction)?
    { nil }
    package func companions(of object: JSONValue?, replacing old: JSONValue?, _ context: StrategyContext) -> [Write] {
        []
    }
    package func release(_ object: JSONValue) {}
    package func restore(_ object: JSONValue) {}
}
