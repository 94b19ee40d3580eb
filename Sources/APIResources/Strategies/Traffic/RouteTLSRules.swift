import KubeModel
import NetworkTypes

/// What a RouteTable says of TLS with its backends and clients, as far as its schema does not know.
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

    static func check(clients: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let name = clients.text("secretName")
        if name.isEmpty {
            errors.required(path.child("secretName"))
        } else {
            errors.invalid(path.child("secretName"), .string(name), Validation.dns1123Subdomain(name))
        }
        if let page = clients["errorPage"].string, !RouteTableClientCertificates.isErrorPage(page) {
            errors.invalid(path.child("errorPage"), .string(page), "must be an absolute URL of http or https")
        }
        if let pattern = clients["subjectPattern"].string {
            do {
                _ = try TextPattern(usedNow: pattern)
            } catch {
                errors.invalid(
                    path.child("subjectPattern"), .string(pattern), "is no regular expression: \(error.message)")
            }
        }
    }
}
