import KubeModel
package import NetworkTypes

/// What a machine says of itself when it registers as a Node, beside what it finds out.
package struct NodeDescription: Hashable, Sendable {
    /// What others reach it by, at most one of each family; empty to find out.
    package var addresses: [IPAddress]
    package var labels: [String: String]

    package static let regionLabel = "topology.kubernetes.io/region"

    package init(addresses: [IPAddress] = [], labels: [String: String] = [:]) {
        self.addresses = addresses
        self.labels = labels
    }

    package init(addresses: [IPAddress], zone: String?, region: String?, labels: [String: String]) {
        self.init(addresses: addresses, labels: labels)
        if let zone { self.labels[Node.zoneLabel] = zone }
        if let region { self.labels[Self.regionLabel] = region }
    }

    /// Why a file cannot be used; names the field.
    package struct Malformed: Error, Hashable, CustomStringConvertible {
        package var description: String
    }

    /// Reads a node file, YAML or JSON: `addresses`, `zone`, `region`, `labels`, all of them optional.
    package init(nodeFile bytes: [UInt8]) throws(Malformed) {
        let document: JSONValue
        do {
            document = try YAMLDocument.parse(bytes)
        } catch {
            throw Malformed(description: "it is neither YAML nor JSON")
        }
        guard case .object(let fields) = document else { throw Malformed(description: "it is no mapping") }
        for (key, _) in fields where !["addresses", "zone", "region", "labels"].contains(key) {
            throw Malformed(description: "unknown field \"\(key)\": there are addresses, zone, region and labels")
        }
        var addresses: [IPAddress] = []
        for value in fields["addresses"]?.array ?? [] {
            guard let address = value.string.flatMap({ IPAddress($0) }) else {
                throw Malformed(description: "addresses: \(value.string ?? "an entry") is not an IP address")
            }
            addresses.append(address)
        }
        func text(_ key: String) throws(Malformed) -> String? {
            guard let value = fields[key] else { return nil }
            guard let text = value.string else { throw Malformed(description: "\(key) is not a string") }
            return text
        }
        var labels: [String: String] = [:]
        for (key, value) in fields["labels"]?.object ?? JSONObject() {
            guard let text = value.string else { throw Malformed(description: "labels: \(key) is not a string") }
            labels[key] = text
        }
        self.init(addresses: addresses, zone: try text("zone"), region: try text("region"), labels: labels)
        try check()
    }

    /// Reads cloud-init's standardised instance data (`/run/cloud-init/instance-data.json`), the same in every cloud:
    /// `v1.region` and `v1.availability_zone`. Anything else there says nothing.
    package init(instanceData bytes: [UInt8]) {
        self.init()
        guard let facts = (try? JSONParser.parse(bytes))?["v1"] else { return }
        for (key, label) in [("availability_zone", Node.zoneLabel), ("region", Self.regionLabel)] {
            guard let text = facts[key]?.string, !text.isEmpty, Validation.labelValue(text).isEmpty else { continue }
            labels[label] = text
        }
    }

    /// The same, with what `other` says where this says nothing.
    package func filled(from other: NodeDescription) -> NodeDescription {
        NodeDescription(
            addresses: addresses.isEmpty ? other.addresses : addresses,
            labels: labels.merging(other.labels) { own, _ in own })
    }

    /// - Throws: for what no Node may have.
    package func check() throws(Malformed) {
        for (key, value) in labels {
            if let problem = Validation.qualifiedName(key).first {
                throw Malformed(description: "label \"\(key)\": \(problem)")
            }
            guard NodeLabel.mayBeSetByNode(key) else {
                throw Malformed(
                    description: "label \"\(key)\": a node may not say this of itself; kubectl label node does it")
            }
            if let problem = Validation.labelValue(value).first {
                throw Malformed(description: "label \(key)=\(value): \(problem)")
            }
        }
        guard addresses.count <= 2, Set(addresses.map(\.family)).count == addresses.count else {
            throw Malformed(description: "a node has one address, or one of each family")
        }
        for address in addresses where address.isUnspecified || address.isLinkLocalUnicast {
            throw Malformed(description: "\(address) is no address that others reach a node by")
        }
    }
}
