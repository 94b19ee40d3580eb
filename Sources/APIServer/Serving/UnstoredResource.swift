import APIResources
import KubeModel

/// A resource whose objects nobody keeps: what is posted is answered (reviews), what is read is found out at that moment.
/// It has no cache, no watch and no names in the store.
protocol UnstoredResource: Sendable {
    var definition: ResourceDefinition { get }
    /// In alphabetical order, as discovery lists them. A path with another method is 405.
    var verbs: [Verb] { get }
    /// How it is shown as a Table; nil: not at all.
    var columns: TableColumns? { get }
    /// What clients are told with every answer.
    var deprecationWarning: String? { get }

    /// Answers one of `verbs`, now or later, once. `request.body` is there.
    func answer(_ request: UnstoredRequest, _ done: @escaping @Sendable (Result<UnstoredAnswer, Status>) -> Void)
}

extension UnstoredResource {
    var columns: TableColumns? { nil }
    var deprecationWarning: String? { nil }
}

/// What an unstored resource is asked.
struct UnstoredRequest: Sendable {
    var verb: Verb
    /// "" for cluster-scoped resources and for collections over all namespaces.
    var namespace: String
    /// "" for collections.
    var name: String
    /// The document that was posted; `{}` for a verb without one. It fits the schema and is of the right kind.
    var document: JSONValue
    /// Which objects a list is to show; empty for other verbs.
    var selection: ListOptions
    var isDryRun: Bool
    var user: UserInfo
    var now: Timestamp
}

struct UnstoredAnswer: Sendable {
    var status: Int
    /// Whole: with `apiVersion` and `kind`.
    var document: JSONValue
}

/// An unstored resource on its way through a request.
struct UnstoredOperation: Sendable {
    var verb: Verb
    var resource: ServedUnstoredResource
    var namespace: String
    var name: String
}

/// An unstored resource with the schema of what is posted to it.
final class ServedUnstoredResource: Sendable {
    let resource: any UnstoredResource
    let definition: ResourceDefinition
    private let lazySchema: LazySchema

    init(_ resource: any UnstoredResource, schema: @autoclosure @escaping @Sendable () -> Schema?) {
        self.resource = resource
        definition = resource.definition
        lazySchema = LazySchema(schema)
    }

    /// In which forms its answer can be shown.
    var offer: ResponseShape.Offer { ResponseShape.Offer(protobuf: true, tables: resource.columns != nil) }

    var documentReader: DocumentReader { DocumentReader(definition: definition, schema: lazySchema.schema) }
}
