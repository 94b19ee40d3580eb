import KubeModel

/// That one Service is announced by this node.
struct AnnouncementStatusContent: Hashable, Sendable {
    /// Where the object is.
    var namespace: String
    var service: NamespacedName
    /// Names of interfaces or of peers, in ascending order.
    var places: [String]
}

/// An object in which a node says that it announces a Service.
protocol AnnouncementStatus: KubeObject {
    /// What the names of these objects begin with.
    static var namePrefix: String { get }
    init(metadata: ObjectMeta)
    mutating func say(_ content: AnnouncementStatusContent, of node: String)
}

extension ServiceL2Status: AnnouncementStatus {
    static let namePrefix = "l2-"

    init(metadata: ObjectMeta) { self.init(metadata: metadata, status: nil) }

    mutating func say(_ content: AnnouncementStatusContent, of node: String) {
        status = ServiceL2StatusStatus(
            node: node, serviceName: content.service.name, serviceNamespace: content.service.namespace,
            interfaces: content.places.map { InterfaceInfo(name: $0) })
    }
}

extension ServiceBGPStatus: AnnouncementStatus {
    static let namePrefix = "bgp-"

    init(metadata: ObjectMeta) { self.init(metadata: metadata, status: nil) }

    mutating func say(_ content: AnnouncementStatusContent, of node: String) {
        status = ServiceBGPStatusStatus(
            node: node, serviceName: content.service.name, serviceNamespace: content.service.namespace,
            peers: content.places)
    }
}

extension AnnouncementStatusContent {
    /// One for each Service, beside the advertisement that it is announced by.
    static func contents(_ announced: [Layer2Announcer.Announced], on node: String) -> [AnnouncementStatusContent] {
        var contents: [NamespacedName: AnnouncementStatusContent] = [:]
        for address in announced {
            guard let term = address.entry.terms.first(where: { $0.nodes.contains(node) }) else { continue }
            for service in address.entry.services {
                let namespace = term.advertisement.namespace
                var content =
                    contents[service.key]
                    ?? AnnouncementStatusContent(namespace: namespace, service: service.key, places: [])
                content.places = Set(content.places).union(address.interfaces).sorted()
                contents[service.key] = content
            }
        }
        return contents.values.sorted { $0.service < $1.service }
    }

    static func contents(_ announced: [BGPPlan.Announced]) -> [AnnouncementStatusContent] {
        announced.map { AnnouncementStatusContent(namespace: $0.namespace, service: $0.service, places: $0.peers) }
    }
}
