import KubeModel
import NetworkTypes

/// The Pod that stands for a systemd unit on a node, as `martlet register` writes it. Pure.
struct UnitRegistration {
    /// A port that the unit's process serves: `8080`, `http=8080`, `dns=53/UDP`.
    struct ServedPort: Hashable {
        var name: String?
        var number: Int
        var networkProtocol: String

        /// Nil for a text that is none of these.
        init?(_ text: String) {
            let halves = text.split(separator: "/", omittingEmptySubsequences: false)
            let parts = (halves.first ?? "").split(separator: "=", omittingEmptySubsequences: false)
            guard halves.count <= 2, (1...2).contains(parts.count), let number = Int(parts[parts.count - 1]),
                (1...65535).contains(number)
            else { return nil }
            networkProtocol = halves.count == 2 ? halves[1].uppercased() : "TCP"
            guard ["TCP", "UDP", "SCTP"].contains(networkProtocol) else { return nil }
            name = parts.count == 2 ? String(parts[0]) : nil
            self.number = number
        }

        fileprivate var document: JSONValue {
            var port: JSONObject = ["containerPort": .integer(Int64(number)), "protocol": .string(networkProtocol)]
            if let name { port["name"] = .string(name) }
            return .object(port)
        }
    }

    var unit: String
    var node: String
    var name: String?
    var namespace = "default"
    var labels: [String: String] = [:]
    var ports: [ServedPort] = []
    var addresses: [IPAddress] = []
    /// The path of an HTTP probe on the first port; nil for a TCP probe.
    var probePath: String?
    var probePeriodSeconds = 2

    /// Of the unit's name what a Pod may be called: `shop@1.service` is `shop-1`.
    static func stem(of unit: String) -> String {
        let stem = unit.lastIndex(of: ".").map { unit[..<$0] } ?? unit[...]
        // A label of a host's name has no dots.
        return NodeName.adapted(String(stem).replacing(".", with: "-"))
    }

    /// As Kubernetes calls the Pods that come from files of a node.
    var podName: String { name ?? "\(Self.stem(of: unit))-\(node)" }

    /// What is probed is the first port that takes connections.
    private var probe: JSONValue? {
        guard let port = ports.first(where: { $0.networkProtocol == "TCP" }) else { return nil }
        let number = JSONValue.integer(Int64(port.number))
        let check: (String, JSONValue) =
            probePath.map { ("httpGet", ["path": .string($0), "port": number]) } ?? ("tcpSocket", ["port": number])
        return .object([check.0: check.1, "periodSeconds": .integer(Int64(probePeriodSeconds))])
    }

    /// The document for a server-side apply.
    var document: JSONValue {
        let stem = Self.stem(of: unit)
        var container: JSONObject = [
            "name": .string(stem), "image": "none", "ports": .array(ports.map(\.document)),
        ]
        if let probe { container["readinessProbe"] = probe }
        var texts = JSONObject()
        for (key, value) in (labels.isEmpty ? ["app": stem] : labels).sorted(by: { $0.key < $1.key }) {
            texts[key] = .string(value)
        }
        let annotations: JSONValue = [
            PodUnit.annotation: .string(unit),
            "traffic.martlet.dev/address": .string(addresses.map(\.description).joined(separator: ",")),
        ]
        return [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string(podName), "namespace": .string(namespace), "labels": .object(texts),
                "annotations": annotations,
            ],
            "spec": ["nodeName": .string(node), "containers": [.object(container)]],
        ]
    }
}
