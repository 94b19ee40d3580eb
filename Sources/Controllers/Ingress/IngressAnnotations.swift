/// The annotations by which other ingress controllers are told what Ingress itself has no field for, read for one
/// purpose: whoever brings his Ingresses along must not find a guarded route open.
///
/// One that guards access (``IngressGuard``) and is not honoured closes its Ingress; others are told about and otherwise
/// passed over.
struct IngressAnnotations: Hashable, Sendable {
    /// Keys of annotations that guard access, in order.
    private(set) var guards: [String] = []
    /// Keys of other controllers' annotations that change nothing here, in order.
    private(set) var ignored: [String] = []
    /// What the backends speak, as an `appProtocol`: of ingress-nginx' `backend-protocol`.
    private(set) var backendProtocol: String?
    /// A `backend-protocol` that was taken for another one.
    private(set) var approximatedProtocol: String?
    /// What is wanted of connections to backends and cannot be had, as a sentence: a `backend-protocol` that is not spoken, or
    /// a way to verify backends that is not understood.
    private(set) var unsupportedProtocol: String?
    /// How requests are shared among endpoints.
    let balancing: BalancingAnnotations
    /// By which cookie clients find their endpoint again.
    let affinity: AffinityAnnotations
    /// How long endpoints are waited for, and when a request goes to another one.
    let retry: RetryAnnotations
    /// How much endpoints are asked at a time.
    let limits: LimitAnnotations
    /// How endpoints are spoken to over TLS.
    let backendTLS: BackendTLSAnnotations
    /// What clients must show of themselves.
    let clientCertificates: ClientCertificateAnnotations
    /// What is done with requests before a backend sees them.
    let filters: FilterAnnotations
    /// Whether TLS is the backends' matter.
    let passthrough: PassthroughAnnotations
    /// What holds for its hosts as a whole.
    let hosts: HostAnnotations
    /// Whether paths are regular expressions, and under which one requests go on.
    let rewrite: RewriteAnnotations
    /// Whether it takes part of the requests of others, and which.
    let canary: CanaryAnnotations

    private static let readElsewhere = BalancingAnnotations.keys.union(AffinityAnnotations.keys)
        .union(RetryAnnotations.keys).union(LimitAnnotations.keys).union(CanaryAnnotations.keys)
        .union(BackendTLSAnnotations.keys).union(ClientCertificateAnnotations.keys)
        .union(FilterAnnotations.keys)
        .union(RewriteAnnotations.keys).union(PassthroughAnnotations.keys).union(HostAnnotations.keys)

    /// - Parameter namespace: of the Ingress.
    init(_ annotations: [String: String], namespace: String = "") {
        balancing = BalancingAnnotations(annotations)
        affinity = AffinityAnnotations(annotations)
        retry = RetryAnnotations(annotations)
        limits = LimitAnnotations(annotations)
        filters = FilterAnnotations(annotations, namespace: namespace)
        hosts = HostAnnotations(annotations)
        rewrite = RewriteAnnotations(annotations)
        passthrough = PassthroughAnnotations(annotations)
        canary = CanaryAnnotations(annotations)
        backendTLS = BackendTLSAnnotations(annotations, namespace: namespace)
        unsupportedProtocol = backendTLS.refusal
        clientCertificates = ClientCertificateAnnotations(annotations, namespace: namespace)
        let isPublic = annotations["ingress.pomerium.io/allow_public_unauthenticated_access"]?.lowercased() == "true"
        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) {
            guard let slash = key.firstIndex(of: "/") else { continue }
            if Self.readElsewhere.contains(key) { continue }
            if key == "nginx.ingress.kubernetes.io/backend-protocol" {
                readProtocol(value)
                continue
            }
            let name = key[key.index(after: slash)...]
            switch IngressGuard.verdict(domain: key[..<slash], name: name, value: value, isPublic: isPublic) {
            case .guards: guards.append(key)
            case .harmless: ignored.append(key)
            case .foreign: break
            }
        }
    }

    private mutating func readProtocol(_ value: String) {
        switch value.uppercased() {
        case "HTTP": backendProtocol = "http"
        case "AUTO_HTTP":
            backendProtocol = "http"
            approximatedProtocol = "backend-protocol AUTO_HTTP is taken as HTTP: TLS is not tried out"
        case "HTTPS": backendProtocol = "https"
        case "GRPC": backendProtocol = "grpc"
        case "GRPCS": backendProtocol = "grpcs"
        default:
            unsupportedProtocol =
                unsupportedProtocol
                ?? "backend-protocol \(value) is not supported (HTTP, HTTPS, GRPC and GRPCS are)"
        }
    }
}
