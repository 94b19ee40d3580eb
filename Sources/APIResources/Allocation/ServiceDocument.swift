import KubeModel

/// A Service as a document: named access to the fields that the strategy reads and writes. Everything else stays as the
/// client sent it. An absent field, null and the empty string are the same, as in Go's `omitempty`.
struct ServiceDocument {
    private(set) var object: JSONValue
    private(set) var spec: JSONObject
    /// `clusterIPs` and `ipFamilies` are asked for over and over.
    private var addressTexts: [String]
    private var familyTexts: [String]

    init(_ object: JSONValue) {
        self.object = object
        spec = object["spec"]?.object ?? JSONObject()
        addressTexts = Self.texts(spec["clusterIPs"])
        familyTexts = Self.texts(spec["ipFamilies"])
    }

    /// The document with every change written back.
    var document: JSONValue {
        var result = object
        result["spec"] = .object(spec)
        return result
    }

    var name: String { object["metadata"]?["name"]?.string ?? "" }
    var namespace: String { object["metadata"]?["namespace"]?.string ?? "" }
    var annotations: JSONObject { object["metadata"]?["annotations"]?.object ?? JSONObject() }
    var status: JSONValue? {
        get { object["status"] }
        set { object["status"] = newValue }
    }

    var type: String {
        get { text("type") }
        set { set("type", newValue) }
    }
    var clusterIP: String {
        get { text("clusterIP") }
        set { set("clusterIP", newValue) }
    }
    var clusterIPs: [String] {
        get { addressTexts }
        set {
            set("clusterIPs", newValue)
            addressTexts = newValue
        }
    }
    var ipFamilies: [String] {
        get { familyTexts }
        set {
            set("ipFamilies", newValue)
            familyTexts = newValue
        }
    }
    var ipFamilyPolicy: String? {
        get { spec["ipFamilyPolicy"]?.string }
        set { set("ipFamilyPolicy", newValue ?? "") }
    }
    var externalName: String { text("externalName") }
    var externalIPs: [String] { Self.texts(spec["externalIPs"]) }
    var loadBalancerSourceRanges: [String] { Self.texts(spec["loadBalancerSourceRanges"]) }
    var selector: JSONObject? { spec["selector"]?.object }
    var sessionAffinity: String {
        get { text("sessionAffinity") }
        set { set("sessionAffinity", newValue) }
    }
    var sessionAffinityConfig: JSONValue? {
        get { present("sessionAffinityConfig") }
        set { spec["sessionAffinityConfig"] = newValue }
    }
    var loadBalancerClass: String? {
        get { spec["loadBalancerClass"]?.string }
        set { spec["loadBalancerClass"] = newValue.map { .string($0) } }
    }
    var externalTrafficPolicy: String {
        get { text("externalTrafficPolicy") }
        set { set("externalTrafficPolicy", newValue) }
    }
    var internalTrafficPolicy: String? {
        get { spec["internalTrafficPolicy"]?.string }
        set { spec["internalTrafficPolicy"] = newValue.map { .string($0) } }
    }
    var trafficDistribution: String? { spec["trafficDistribution"]?.string }
    var healthCheckNodePort: Int {
        get { spec["healthCheckNodePort"]?.int ?? 0 }
        set { spec["healthCheckNodePort"] = newValue == 0 ? nil : .integer(Int64(newValue)) }
    }
    var allocateLoadBalancerNodePorts: Bool? {
        get { spec["allocateLoadBalancerNodePorts"]?.bool }
        set { spec["allocateLoadBalancerNodePorts"] = newValue.map { .bool($0) } }
    }

    var isHeadless: Bool { clusterIPs == ["None"] }
    var isExternalName: Bool { type == "ExternalName" }
    var isLoadBalancer: Bool { type == "LoadBalancer" }
    var needsClusterIP: Bool { !isExternalName }
    var needsNodePorts: Bool { type == "NodePort" || isLoadBalancer }
    var needsHealthCheckNodePort: Bool { isLoadBalancer && externalTrafficPolicy == "Local" }
    /// Whether traffic from outside the cluster can reach it, so that `externalTrafficPolicy` means something.
    var isExternallyAccessible: Bool { needsNodePorts || type == "ClusterIP" && !externalIPs.isEmpty }
    var allocatesNodePorts: Bool { type == "NodePort" || isLoadBalancer && allocateLoadBalancerNodePorts != false }

    var ports: [ServicePortDocument] {
        get { (spec["ports"]?.array ?? []).map { ServicePortDocument(fields: $0.object ?? JSONObject()) } }
        set { spec["ports"] = newValue.isEmpty ? nil : .array(newValue.map { .object($0.fields) }) }
    }
    /// Every node port of the ports, without the health check's.
    var nodePorts: [Int] { ports.map(\.nodePort).filter { $0 != 0 } }

    private func present(_ key: String) -> JSONValue? {
        guard let value = spec[key], value != .null else { return nil }
        return value
    }

    private func text(_ key: String) -> String { spec[key]?.string ?? "" }
    private static func texts(_ value: JSONValue?) -> [String] { (value?.array ?? []).map { $0.string ?? "" } }
    private mutating func set(_ key: String, _ value: String) { spec[key] = value.isEmpty ? nil : .string(value) }
    private mutating func set(_ key: String, _ values: [String]) {
        spec[key] = values.isEmpty ? nil : .array(values.map { .string($0) })
    }
}
