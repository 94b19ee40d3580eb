package import Announcement
package import KubeModel
package import NetworkTypes

/// Which load-balancer address is to be announced, by which nodes and how, and which is not, and why not. The same on every
/// node: what of it a node carries out is for each way of announcing to say.
package struct AnnouncementPlan: Hashable, Sendable {
    package enum Method: String, Hashable, Sendable, CaseIterable {
        /// One node answers for the address on the local network.
        case layer2
        /// Each node tells routers of it.
        case bgp
    }

    /// Where an address comes from.
    package struct PoolReference: Hashable, Sendable, Comparable, CustomStringConvertible {
        /// The namespace of an IPAddressPool; nil for an AddressPool, which has none.
        package var namespace: String?
        package var name: String

        package init(namespace: String?, name: String) {
            self.namespace = namespace
            self.name = name
        }

        package static func < (left: PoolReference, right: PoolReference) -> Bool {
            (left.name, left.namespace ?? "") < (right.name, right.namespace ?? "")
        }

        package var description: String {
            namespace.map { "IPAddressPool \($0)/\(name)" } ?? "AddressPool \(name)"
        }
    }

    package struct ServiceReference: Hashable, Sendable, Comparable {
        package var key: NamespacedName
        package var uid: String

        package init(key: NamespacedName, uid: String) {
            self.key = key
            self.uid = uid
        }

        package static func < (left: ServiceReference, right: ServiceReference) -> Bool { left.key < right.key }
    }

    /// What one advertisement says of an address.
    package struct Term: Hashable, Sendable {
        /// An L2Advertisement or a BGPAdvertisement, by the method.
        package var advertisement: NamespacedName
        /// The nodes that may announce by it; not empty.
        package var nodes: Set<String>
        /// Where; of layer 2 alone.
        package var interfaces: InterfaceChoice
        /// How much rather some of its nodes are taken; those that are not named have 0. Of layer 2 alone.
        package var scores: [String: Int] = [:]
    }

    /// One address to be announced in one way.
    package struct Entry: Hashable, Sendable {
        package var address: IPAddress
        package var method: Method
        /// Those that have the address, by name; more than one where they share it.
        package var services: [ServiceReference]
        package var pool: PoolReference
        /// By the name of the advertisement; not empty.
        package var terms: [Term]

        /// The nodes that may announce.
        package var nodes: Set<String> {
            terms.count == 1 ? terms[0].nodes : terms.reduce(into: []) { $0.formUnion($1.nodes) }
        }

        /// How much rather some nodes are taken: what the advertisements say together.
        package var scores: [String: Int] {
            terms.reduce(into: [:]) { scores, term in
                scores.merge(term.scores.filter { term.nodes.contains($0.key) }, uniquingKeysWith: +)
            }
        }

        /// Where a node announces; nil for one that may not.
        package func interfaces(on node: String) -> InterfaceChoice? {
            terms.reduce(nil) { found, term in
                guard term.nodes.contains(node) else { return found }
                return found?.union(term.interfaces) ?? term.interfaces
            }
        }
    }

    /// Why an address is not announced in one way.
    package enum Reason: Hashable, Sendable, CustomStringConvertible {
        /// Only the machine itself reaches it, whoever answers for it.
        case loopback
        case noPool
        case noAdvertisement(PoolReference)
        /// Nobody would answer.
        case noEndpoints
        /// No node that is selected is fit to.
        case noNodes(String)

        package var description: String {
            switch self {
            case .loopback: "an address of 127.0.0.0/8, or ::1, never leaves its machine"
            case .noPool: "no pool holds the address"
            case .noAdvertisement(let pool): "no advertisement names \(pool)"
            case .noEndpoints: "no endpoint of its family is ready"
            case .noNodes(let why): why
            }
        }
    }

    /// An address that is not announced.
    package struct Silence: Hashable, Sendable {
        package var address: IPAddress
        package var service: ServiceReference
        /// Nil where it is announced in no way.
        package var method: Method?
        package var reason: Reason
    }

    /// By address, then by method.
    package var entries: [Entry] = []
    /// By address, then by Service.
    package var silences: [Silence] = []

    package init() {}

    package func entries(_ method: Method) -> some Sequence<Entry> { entries.lazy.filter { $0.method == method } }
}
