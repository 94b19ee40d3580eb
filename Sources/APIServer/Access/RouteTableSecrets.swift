import KubeModel

/// The Secrets that a RouteTable names beside its certificates: what its backends and clients are verified by.
enum RouteTableSecrets {
    /// The one type of those that a data plane may not read otherwise.
    static let type = "Opaque"

    static func names(in table: JSONValue) -> Set<String> {
        let spec = table["spec"]
        let paths = (spec["rules"].array ?? []).flatMap { $0["paths"].array ?? [] }
        let backends = paths.map { $0["backend"] } + [spec["defaultBackend"]]
        let named =
            backends.map { $0["policy"]["tls"]["secretName"] } + [
                spec["clientCertificates"]["secretName"], spec["filters"]["basicAuthentication"]["secretName"],
            ]
        return Set(named.compactMap(\.string))
    }
}
