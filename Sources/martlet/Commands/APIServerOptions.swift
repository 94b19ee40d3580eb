import APIResources
import APIServer
import ArgumentParser
import NetworkTypes

/// The flags of the API server, which `martlet up` passes on. Names are kube-apiserver's where it has the flag.
struct APIServerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where everything is kept that is written.", valueName: "dir"))
    var dataDir = DataDirectory.standardPath

    @Option(
        help: ArgumentHelp(
            "The address to serve HTTPS on. Default: 127.0.0.1; 0.0.0.0 for martlet up where it serves everybody.",
            valueName: "ip"))
    var bindAddress: String?

    @Option(help: "The port to serve HTTPS on; 0 takes any free one.")
    var securePort: UInt16 = 6443

    @Option(
        help: ArgumentHelp(
            "A file of bearer tokens: lines of token,user,uid,\"group1,group2\".", valueName: "file"))
    var tokenAuthFile: String?

    @Option(
        help: ArgumentHelp(
            "Authorities whose client certificates are accepted besides Martlet's own (PEM).", valueName: "file"))
    var clientCaFile: String?

    @Option(help: ArgumentHelp("The serving certificate (PEM), instead of one made by Martlet.", valueName: "file"))
    var tlsCertFile: String?

    @Option(help: ArgumentHelp("The key of --tls-cert-file (PEM).", valueName: "file"))
    var tlsPrivateKeyFile: String?

    @Option(
        help: ArgumentHelp(
            "A further address or name for the certificate that Martlet makes; may be repeated. With a --bind-address of "
                + "every address, this machine's own are in it anyway.", valueName: "ip|name"))
    var tlsSan: [String] = []

    @Option(
        help: ArgumentHelp(
            "The range of cluster IPs; two with a comma between them, one of each family, for dual stack.",
            valueName: "cidr"))
    var serviceClusterIpRange = "127.96.0.0/16"

    @Option(help: ArgumentHelp("The range of node ports.", valueName: "first-last"))
    var serviceNodePortRange = "30000-32767"

    @Option(
        help: ArgumentHelp(
            "A node port that no Service gets, since something on the nodes listens there; may be repeated. The ports of this "
                + "server, and with martlet up those of the other parts, are reserved anyway.", valueName: "port"))
    var reservedNodePort: [UInt16] = []

    @Option(help: "Reads being answered before further ones get 429.")
    var maxRequestsInflight = 400

    @Option(help: "Writes being answered before further ones get 429.")
    var maxMutatingRequestsInflight = 200

    func validate() throws {
        _ = try secureAddress()
        guard (tlsCertFile == nil) == (tlsPrivateKeyFile == nil) else {
            throw ValidationError("--tls-cert-file and --tls-private-key-file go together")
        }
        guard tlsSan.isEmpty || tlsCertFile == nil else {
            throw ValidationError("--tls-san is for the certificate that Martlet makes, not for --tls-cert-file")
        }
        for name in tlsSan where IPAddress(name) == nil && !ServerNames.isName(name) {
            throw ValidationError("--tls-san: \"\(name)\" is neither an IP address nor a DNS name")
        }
        _ = try ranges()
    }

    /// Where HTTPS is served.
    func secureAddress() throws -> IPAddress {
        guard let bindAddress else { return .loopbackV4 }
        guard let address = IPAddress(bindAddress) else {
            throw ValidationError("--bind-address: \"\(bindAddress)\" is not an IP address")
        }
        return address
    }

    func ranges() throws -> AllocationRanges {
        let cidrs = try serviceClusterIpRange.split(separator: ",").map { part in
            guard let cidr = CIDR(part) else {
                throw ValidationError("--service-cluster-ip-range: \"\(part)\" is not a network such as 10.96.0.0/16")
            }
            return cidr
        }
        guard (1...2).contains(cidrs.count), Set(cidrs.map(\.address.family)).count == cidrs.count else {
            throw ValidationError("--service-cluster-ip-range takes one network, or one of each family")
        }
        for cidr in cidrs {
            let smallest = cidr.address.family == .v4 ? 12 : 108
            guard cidr.prefixLength >= smallest else {
                throw ValidationError("--service-cluster-ip-range: \(cidr) is larger than /\(smallest)")
            }
        }
        let ports = serviceNodePortRange.split(separator: "-", maxSplits: 1).map { UInt16($0) }
        guard ports.count == 2, let first = ports[0], let last = ports[1], first > 0, first <= last else {
            throw ValidationError(
                "--service-node-port-range: \"\(serviceNodePortRange)\" is not a range such as 30000-32767")
        }
        return AllocationRanges(
            serviceCIDRs: cidrs, nodePorts: first...last, reservedNodePorts: Set(reservedNodePort + [securePort]))
    }

    /// The command line of an API server with these options.
    func arguments(dataDirectory: DataDirectory) -> [String] {
        var arguments = [
            "--data-dir", dataDirectory.path, "--secure-port", "\(securePort)",
            "--service-cluster-ip-range", serviceClusterIpRange, "--service-node-port-range", serviceNodePortRange,
            "--max-requests-inflight", "\(maxRequestsInflight)",
            "--max-mutating-requests-inflight", "\(maxMutatingRequestsInflight)",
        ]
        for (flag, value) in [
            ("--bind-address", bindAddress), ("--token-auth-file", tokenAuthFile), ("--client-ca-file", clientCaFile),
            ("--tls-cert-file", tlsCertFile),
            ("--tls-private-key-file", tlsPrivateKeyFile),
        ] {
            if let value { arguments += [flag, value] }
        }
        for port in reservedNodePort { arguments += ["--reserved-node-port", "\(port)"] }
        for name in tlsSan { arguments += ["--tls-san", name] }
        return arguments
    }
}
