import KubeModel
import NetworkTypes

/// What a RouteTable says of TLS with its backends, as far as its schema does not know.
enum RouteTLSRules {
    static func check(_ tls: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        if let name = tls["secretName"].string {
            errors.invalid(path.child("secretName"), .string(name), Validation.dns1123Subdomain(name))
        }
        if let name = tls["serverName"].string, IPAddress(name) == nil {
            errors.invalid(path.child("serverName"), .string(name), Validation.dns1123Subdomain(name))
        }
        if let ciphers = tls["ciphers"].string, !RouteBackendTLS.isCipherList(ciphers) {
            errors.invalid(
                path.child("ciphers"), .string(ciphers), "must consist of letters, digits and :+-_!@=")
        }
    }
}
