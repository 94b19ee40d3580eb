/// How a Pod is.
public struct PodStatus: Codable, Hashable, Sendable {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    public var phase: String?
    /// Conditions, by type.
    public var conditions: [PodCondition]?
    /// Why it is in this state, for people.
    public var message: String?
    /// Why it is in this state, in one CamelCase word.
    public var reason: String?
    /// The first of `podIPs`.
    public var podIP: String?
    /// Its addresses, at most one a family.
    public var podIPs: [PodIP]?
    /// The node's address.
    public var hostIP: String?
    /// The node's addresses.
    public var hostIPs: [HostIP]?
    /// When it was acknowledged.
    public var startTime: Timestamp?
    /// One for each container.
    public var containerStatuses: [ContainerStatus]?
    /// One for each init container.
    public var initContainerStatuses: [ContainerStatus]?

    public init(
        phase: String? = nil, conditions: [PodCondition]? = nil, message: String? = nil, reason: String? = nil,
        podIP: String? = nil, podIPs: [PodIP]? = nil, hostIP: String? = nil, hostIPs: [HostIP]? = nil,
        startTime: Timestamp? = nil, containerStatuses: [ContainerStatus]? = nil,
        initContainerStatuses: [ContainerStatus]? = nil
    ) {
        self.phase = phase
        self.conditions = conditions
        self.message = message
        self.reason = reason
        self.podIP = podIP
        self.podIPs = podIPs
        self.hostIP = hostIP
        self.hostIPs = hostIPs
        self.startTime = startTime
        self.containerStatuses = containerStatuses
        self.initContainerStatuses = initContainerStatuses
    }
}

extension PodStatus {
    public var everyContainerStatus: [ContainerStatus] { (initContainerStatuses ?? []) + (containerStatuses ?? []) }
}

/// An address of a Pod.
public struct PodIP: Codable, Hashable, Sendable {
    /// The address.
    public var ip: String

    public init(
        ip: String = ""
    ) {
        self.ip = ip
    }
}

/// An address of a Pod's node.
public struct HostIP: Codable, Hashable, Sendable {
    /// The address.
    public var ip: String

    public init(
        ip: String = ""
    ) {
        self.ip = ip
    }
}

/// A condition of a Pod.
public struct PodCondition: Codable, Hashable, Sendable {
    /// Such as `Ready`.
    public var type: String
    /// `True`, `False` or `Unknown`.
    public var status: String
    /// When it was last probed.
    public var lastProbeTime: Timestamp?
    /// When the status last changed.
    public var lastTransitionTime: Timestamp?
    /// One CamelCase word.
    public var reason: String?
    /// For people.
    public var message: String?

    public init(
        type: String = "", status: String = "", lastProbeTime: Timestamp? = nil, lastTransitionTime: Timestamp? = nil,
        reason: String? = nil, message: String? = nil
    ) {
        self.type = type
        self.status = status
        self.lastProbeTime = lastProbeTime
        self.lastTransitionTime = lastTransitionTime
        self.reason = reason
        self.message = message
    }
}

/// How a container is.
public struct ContainerStatus: Codable, Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Its image.
    public var image: String
    /// The identity of its image.
    public var imageID: String
    /// Whether its readiness probe succeeds.
    public var ready: Bool
    /// How often it was restarted.
    public var restartCount: Int
    /// Whether it has started.
    public var started: Bool?
    /// Its state.
    public var state: ContainerState?

    public init(
        name: String = "", image: String = "", imageID: String = "", ready: Bool = false, restartCount: Int = 0,
        started: Bool? = nil, state: ContainerState? = nil
    ) {
        self.name = name
        self.image = image
        self.imageID = imageID
        self.ready = ready
        self.restartCount = restartCount
        self.started = started
        self.state = state
    }
}

/// One of three states.
public struct ContainerState: Codable, Hashable, Sendable {
    /// It runs.
    public var running: ContainerStateRunning?
    /// It waits.
    public var waiting: ContainerStateWaiting?
    /// It ended.
    public var terminated: ContainerStateTerminated?

    public init(
        running: ContainerStateRunning? = nil, waiting: ContainerStateWaiting? = nil,
        terminated: ContainerStateTerminated? = nil
    ) {
        self.running = running
        self.waiting = waiting
        self.terminated = terminated
    }
}

/// A running container.
public struct ContainerStateRunning: Codable, Hashable, Sendable {
    /// Since when.
    public var startedAt: Timestamp?

    public init(
        startedAt: Timestamp? = nil
    ) {
        self.startedAt = startedAt
    }
}

/// A waiting container.
public struct ContainerStateWaiting: Codable, Hashable, Sendable {
    /// Why, in one CamelCase word.
    public var reason: String?
    /// Why, for people.
    public var message: String?

    public init(
        reason: String? = nil, message: String? = nil
    ) {
        self.reason = reason
        self.message = message
    }
}

/// An ended container.
public struct ContainerStateTerminated: Codable, Hashable, Sendable {
    /// Its exit status.
    public var exitCode: Int
    /// Why, in one CamelCase word.
    public var reason: String?
    /// Since when.
    public var finishedAt: Timestamp?

    public init(
        exitCode: Int = 0, reason: String? = nil, finishedAt: Timestamp? = nil
    ) {
        self.exitCode = exitCode
        self.reason = reason
        self.finishedAt = finishedAt
    }
}
