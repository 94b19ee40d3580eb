import KubeModel

/// What a readiness probe or a health check has found so far.
///
/// As the kubelet does: a container begins unready (an endpoint that is checked begins ready); `successThreshold`
/// successes in a row make it ready, and `failureThreshold` failures in a row make it unready.
struct ProbeState: Sendable, Equatable {
    private(set) var isReady: Bool
    private var successes = 0
    private var failures = 0
    private let successThreshold: Int
    private let failureThreshold: Int

    /// - Parameter isReady: what an earlier run of the controller found, so that its restart makes nothing unready.
    init(_ probe: Probe, isReady: Bool = false) {
        self.init(
            successThreshold: probe.successThreshold ?? 1, failureThreshold: probe.failureThreshold ?? 3,
            isReady: isReady)
    }

    /// - Parameters: results in a row that it takes, at least 1.
    init(successThreshold: Int, failureThreshold: Int, isReady: Bool) {
        self.isReady = isReady
        self.successThreshold = max(1, successThreshold)
        self.failureThreshold = max(1, failureThreshold)
    }

    /// Notes a result. Returns whether `isReady` changed.
    mutating func note(success: Bool) -> Bool {
        successes = success ? successes + 1 : 0
        failures = success ? 0 : failures + 1
        let before = isReady
        if successes >= successThreshold { isReady = true }
        if failures >= failureThreshold { isReady = false }
        return isReady != before
    }
}

/// A check that can be carried out from here.
struct ProbeTarget: Sendable, Hashable {
    enum Check: Sendable, Hashable {
        case http(isSecure: Bool, path: String, headers: [HTTPHeader])
        case tcp
        /// gRPC's health service, in cleartext.
        case grpc(service: String)
    }

    var host: String
    var port: Int
    var check: Check

    /// Why a probe for which there is no target cannot be carried out.
    static func obstacle(_ probe: Probe) -> String {
        if probe.exec != nil { return "exec: it runs a command in the container" }
        if probe.httpGet != nil || probe.tcpSocket != nil || probe.grpc != nil { return "its port is not known" }
        return "it is of no kind that is known"
    }

    /// Reads a probe; nil for those that cannot be carried out from outside (`exec`), or whose port the container does
    /// not have.
    init?(_ probe: Probe, container: Container, podIP: String) {
        func number(_ port: IntOrString) -> Int? {
            switch port {
            case .int(let number): (1...65535).contains(number) ? number : nil
            case .string(let name): container.ports?.first { $0.name == name }?.containerPort
            }
        }
        if let http = probe.httpGet, let port = number(http.port) {
            let path = http.path.flatMap { $0.isEmpty ? nil : $0 } ?? "/"
            self.init(
                host: http.host ?? podIP, port: port,
                check: .http(
                    isSecure: http.scheme?.uppercased() == "HTTPS", path: path.hasPrefix("/") ? path : "/" + path,
                    headers: http.httpHeaders ?? []))
        } else if let grpc = probe.grpc, let port = number(.int(grpc.port)) {
            self.init(host: podIP, port: port, check: .grpc(service: grpc.service ?? ""))
        } else if let tcp = probe.tcpSocket, let port = number(tcp.port) {
            self.init(host: tcp.host ?? podIP, port: port, check: .tcp)
        } else {
            return nil
        }
    }

    init(host: String, port: Int, check: Check) {
        self.host = host.isEmpty ? "localhost" : host
        self.port = port
        self.check = check
    }

    /// Of where it goes only: what is asked there is nearly always the same, and may be long.
    func hash(into hasher: inout Hasher) {
        hasher.combine(host)
        hasher.combine(port)
    }
}
