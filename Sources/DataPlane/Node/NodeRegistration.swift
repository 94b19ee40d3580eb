import Glibc
import KubeClient
package import KubeModel
import Logging
import NetworkTypes
import TrafficModel
import Transport

/// Keeps the Node object of this data plane: the node that Events and `Local` policies speak of.
///
/// A Node that somebody else registered (a kubelet) is theirs and stays untouched. Ours carries a taint, since nothing
/// runs Pods on it. One that was removed while this runs is registered again.
actor NodeRegistration {
    /// Marks the Nodes that a data plane registered.
    static let annotation = "traffic.martlet.dev/registered-by"
    static let taint = "traffic.martlet.dev/dataplane-only"
    /// The time between heartbeats while nothing changes: that of a kubelet's status.
    static let heartbeat: Duration = .seconds(300)

    private let client: APIClient
    private let logger: Logger
    private let name: String
    private let description: NodeDescription
    /// Where this node answers DNS.
    private let nameServers: [NodeNameServer]
    /// Whom this node was told to ask for other names, as flags name them.
    private let nameUpstreams: [String]
    /// Of the Node that is ours; nil before it is registered, and where it is somebody else's.
    private(set) var uid: String?
    private var written: NodeCondition?
    private var writtenAddresses: [IPAddress]?
    private var lastWrite: ContinuousClock.Instant?
    private var isForeign = false

    init(
        client: APIClient, name: String, description: NodeDescription = NodeDescription(),
        nameServers: [NodeNameServer] = [], nameUpstreams: [String] = [], logger: Logger
    ) {
        self.client = client
        self.name = name
        self.description = description
        self.nameServers = nameServers
        self.nameUpstreams = nameUpstreams
        self.logger = logger
    }

    /// Writes what is new, or a heartbeat when it is time; failures are repeated at the next call.
    func update(_ node: NodeIdentity, _ condition: NodeCondition) async {
        let addresses = description.addresses.isEmpty ? Self.addresses(node) : description.addresses
        if condition == written, addresses == writtenAddresses, let lastWrite,
            ContinuousClock.now - lastWrite < Self.heartbeat
        {
            return
        }
        do {
            try await register()
            guard !isForeign else { return }
            let patch = Self.status(name: name, addresses: addresses, condition, now: WallClock.timestamp)
            _ = try await client.patch(Node.self, name, .merge(patch), subresource: "status")
            (written, writtenAddresses, lastWrite) = (condition, addresses, .now)
        } catch {
            logger.debug("node \(name): status not written: \(error)")
        }
    }

    /// Looks whether the Node still says what was written, as a kubelet does with each heartbeat: whoever took this node
    /// for lost is told otherwise by the next ``update(_:_:)``.
    ///
    /// - Returns: the uid of the Node; nil while it is not ours.
    func look() async -> String? {
        guard uid != nil else { return nil }
        do {
            let present = try await client.get(Node.self, name)
            let said = present.status?.conditions?.first { $0.type == "Ready" }?.status
            if present.metadata.uid != uid || said != written.map({ $0.isReady ? "True" : "False" }) { written = nil }
        } catch let status as Status where status.isNotFound {
            (written, uid) = (nil, nil)
        } catch {
            // Nobody answers: nothing is known to be different.
        }
        return uid
    }

    private func register() async throws {
        do {
            let present = try await client.get(Node.self, name)
            isForeign = present.metadata.annotations?[Self.annotation] == nil
            uid = isForeign ? nil : present.metadata.uid
            let labels = description.labels.filter { present.metadata.labels?[$0.key] != $0.value }
            let said = present.metadata.annotations ?? [:]
            let names = Self.names(nameServers, nameUpstreams)
            if !isForeign, !labels.isEmpty || names.contains(where: { said[$0.annotation] != $0.text }) {
                var annotations = JSONObject()
                for (annotation, text) in names { annotations[annotation] = text.map { .string($0) } ?? .null }
                let patch: JSONValue = [
                    "metadata": ["labels": Self.object(labels), "annotations": .object(annotations)]
                ]
                _ = try await client.patch(Node.self, name, .merge(patch))
            }
        } catch let status as Status where status.isNotFound {
            isForeign = false
            let created = try await client.create(
                Node.definition,
                Self.document(
                    name: name, labels: description.labels, nameServers: nameServers, nameUpstreams: nameUpstreams))
            uid = created["metadata"]["uid"].string
            logger.info("registered as node \(name)")
        }
    }

    /// What a Node says of names, by annotation; nil for nothing.
    private static func names(
        _ servers: [NodeNameServer], _ upstreams: [String]
    ) -> [(annotation: String, text: String?)] {
        [
            (NodeNameServer.annotation, servers.isEmpty ? nil : NodeNameServer.text(servers)),
            (NodeNameServer.upstreamsAnnotation, upstreams.isEmpty ? nil : upstreams.joined(separator: ",")),
        ]
    }

    /// The Node as it is registered first.
    package static func document(
        name: String, labels: [String: String] = [:], nameServers: [NodeNameServer] = [], nameUpstreams: [String] = []
    ) -> JSONValue {
        var annotations = [annotation: "dataplane"]
        for (annotation, text) in names(nameServers, nameUpstreams) { annotations[annotation] = text }
        let usual = [
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
            "kubernetes.io/arch": Machine.current.architecture,
        ]
        return [
            "apiVersion": "v1", "kind": "Node",
            "metadata": [
                "name": .string(name), "annotations": object(annotations),
                "labels": object(usual.merging(labels) { _, own in own }),
            ],
            "spec": ["taints": [["key": .string(taint), "effect": "NoSchedule"]]],
        ]
    }

    private static func object(_ texts: [String: String]) -> JSONValue {
        var object = JSONObject()
        for (key, value) in texts.sorted(by: { $0.key < $1.key }) { object[key] = .string(value) }
        return .object(object)
    }

    /// The merge patch of its status. We are the only writer of it: lists are replaced as a whole.
    package static func status(
        name: String, addresses: [IPAddress], _ condition: NodeCondition, now: Timestamp
    ) -> JSONValue {
        var list: [JSONValue] = addresses.map { ["type": "InternalIP", "address": .string($0.description)] }
        list.append(["type": "Hostname", "address": .string(name)])
        let machine = Machine.current
        return [
            "status": [
                "addresses": .array(list),
                "conditions": [
                    [
                        "type": "Ready", "status": .string(condition.isReady ? "True" : "False"),
                        "reason": .string(condition.reason), "message": .string(condition.message),
                        "lastHeartbeatTime": .string(now.description),
                        "lastTransitionTime": .string((condition.since ?? now).description),
                    ]
                ],
                "nodeInfo": [
                    "machineID": "", "systemUUID": "", "bootID": "", "containerRuntimeVersion": "",
                    "kubeletVersion": "", "kubeProxyVersion": "", "osImage": "Linux",
                    "kernelVersion": .string(machine.kernel), "operatingSystem": "linux",
                    "architecture": .string(machine.architecture),
                ],
            ]
        ]
    }

    /// What clients elsewhere may reach this node by; 127.0.0.1 where there is nothing else.
    package static func addresses(_ node: NodeIdentity) -> [IPAddress] {
        let primary = NodeAddresses.primary(of: node.ownAddresses, leaving: MachineAddresses.outgoing)
        return primary.isEmpty ? [.loopbackV4] : primary
    }
}

/// The `Ready` condition of a Node.
package struct NodeCondition: Hashable, Sendable {
    package var isReady: Bool
    package var reason: String
    package var message: String
    /// When `isReady` last changed; nil for the moment of writing.
    package var since: Timestamp?

    package init(isReady: Bool, reason: String, message: String, since: Timestamp? = nil) {
        self.isReady = isReady
        self.reason = reason
        self.message = message
        self.since = since
    }
}

/// What uname(2) says, in Kubernetes' words.
private struct Machine {
    var kernel: String
    var architecture: String

    static let current: Machine = {
        var system = utsname()
        uname(&system)
        let machine = text(of: &system.machine)
        return Machine(
            kernel: text(of: &system.release),
            architecture: ["x86_64": "amd64", "aarch64": "arm64"][machine] ?? machine)
    }()

    private static func text(of field: inout some Any) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
