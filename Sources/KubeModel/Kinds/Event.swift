/// An event about another object (core/v1).
public struct Event: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "", version: "v1", kind: "Event", plural: "events", singular: "event", namespaced: true,
        shortNames: ["ev"], categories: [], hasStatus: false)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// What it is about.
    public var involvedObject: ObjectReference
    /// Why, in one CamelCase word.
    public var reason: String?
    /// What happened, for people.
    public var message: String?
    /// Who says so.
    public var source: EventSource?
    /// When it was first seen.
    public var firstTimestamp: Timestamp?
    /// When it was last seen.
    public var lastTimestamp: Timestamp?
    /// How often it was seen.
    public var count: Int?
    /// `Normal` or `Warning`.
    public var type: String?
    /// When it happened, for events of one occurrence.
    public var eventTime: MicroTime?
    /// The controller's name.
    public var reportingComponent: String?
    /// The controller's instance.
    public var reportingInstance: String?
    /// What was tried.
    public var action: String?

    public init(
        metadata: ObjectMeta = ObjectMeta(), involvedObject: ObjectReference = ObjectReference(),
        reason: String? = nil, message: String? = nil, source: EventSource? = nil, firstTimestamp: Timestamp? = nil,
        lastTimestamp: Timestamp? = nil, count: Int? = nil, type: String? = nil, eventTime: MicroTime? = nil,
        reportingComponent: String? = nil, reportingInstance: String? = nil, action: String? = nil
    ) {
        self.metadata = metadata
        self.involvedObject = involvedObject
        self.reason = reason
        self.message = message
        self.source = source
        self.firstTimestamp = firstTimestamp
        self.lastTimestamp = lastTimestamp
        self.count = count
        self.type = type
        self.eventTime = eventTime
        self.reportingComponent = reportingComponent
        self.reportingInstance = reportingInstance
        self.action = action
    }
}

/// Who reported an event.
public struct EventSource: Codable, Hashable, Sendable {
    /// The controller's name.
    public var component: String?
    /// Its node.
    public var host: String?

    public init(
        component: String? = nil, host: String? = nil
    ) {
        self.component = component
        self.host = host
    }
}
