import KubeModel

/// One entry of `spec.ports`.
struct ServicePortDocument {
    var fields: JSONObject

    var name: String { fields["name"]?.string ?? "" }
    var `protocol`: String {
        get { fields["protocol"]?.string ?? "" }
        set { fields["protocol"] = .string(newValue) }
    }
    var port: Int { fields["port"]?.int ?? 0 }
    var targetPort: JSONValue? {
        get { fields["targetPort"] }
        set { fields["targetPort"] = newValue }
    }
    var nodePort: Int {
        get { fields["nodePort"]?.int ?? 0 }
        set { fields["nodePort"] = newValue == 0 ? nil : .integer(Int64(newValue)) }
    }
    var appProtocol: String? { fields["appProtocol"]?.string }
}
