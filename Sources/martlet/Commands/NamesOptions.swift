import ArgumentParser
import DNS
import DataPlane
import Glibc
import NetworkTypes
import Transport

/// The flags of DNS, those of `up` and `dataplane` alike.
struct NamesOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The port of DNS, over UDP and TCP; 0 for none. Default: 53 for root, else none.",
            valueName: "port"))
    var dnsPort: UInt16?

    @Option(
        help: ArgumentHelp(
            "An address that DNS is answered on; may be repeated. Default: 127.0.0.1, for root also this machine's first "
                + "address of each family.", valueName: "ip"))
    var dnsAddress: [String] = []

    @Option(
        help: ArgumentHelp(
            "A server that is asked for every name outside of the cluster, such as 192.0.2.53 or [2001:db8::53]:53, over TLS "
                + "tls://192.0.2.53#dns.example.com with the name in its certificate, or over HTTPS "
                + "https://192.0.2.53/dns-query#dns.example.com; may be repeated. Default: those of /etc/resolv.conf. On this "
                + "machine it goes before a Corefile's forward for every name (forward .).",
            valueName: "address[:port]"))
    var dnsUpstream: [String] = []

    @Option(help: ArgumentHelp("The domain that the names of Services are in.", valueName: "name"))
    var clusterDomain = "cluster.local"

    @Option(
        help: ArgumentHelp(
            "Networks whose questions are answered besides private ones and this machine's; may be repeated. Over UDP each "
                + "/24 (in IPv6 /56) of them gets 100 answers a second, and of a private network 10000; this machine gets "
                + "any number.", valueName: "cidr"))
    var dnsNetwork: [String] = []

    @Option(
        help: ArgumentHelp(
            "Tell about every DNS query in this file, in CoreDNS' format; - for standard output. Default: those that a "
                + "Corefile wants logged, on standard output.", valueName: "file"))
    var dnsLog: String?

    @Option(
        help: ArgumentHelp(
            "Make this machine itself ask: systemd-resolved, for the names of the cluster, or resolv.conf, for every name; "
                + "taken back at the end.", valueName: "none|systemd-resolved|resolv.conf"))
    var dnsHostResolver = HostWiring.none

    /// Stands before the paths of the machine's files.
    @Option(help: .hidden)
    var dnsHostRoot = ""

    func validate() throws {
        guard dnsHostResolver == .none || port != 0 else {
            throw ValidationError("--dns-host-resolver: there is no DNS here to ask; give --dns-port too")
        }
        if dnsHostResolver == .resolvConf, let dnsPort, dnsPort != 53 {
            throw ValidationError("--dns-host-resolver: resolv.conf names no port, so --dns-port must be 53")
        }
        for text in dnsAddress where IPAddress(text) == nil {
            throw ValidationError("--dns-address: \"\(text)\" is not an IP address")
        }
        for text in dnsUpstream where UpstreamServer(text) == nil {
            throw ValidationError(
                "--dns-upstream: \"\(text)\" is neither an address nor an address with a port, nor tls:// or https:// with one"
            )
        }
        for text in dnsNetwork where CIDR(text) == nil {
            throw ValidationError("--dns-network: \"\(text)\" is not a network such as 192.0.2.0/24")
        }
        do {
            guard try DomainName(clusterDomain) != .root else {
                throw ValidationError("--cluster-domain: the root cannot be the cluster's")
            }
        } catch let error as DNSError {
            throw ValidationError("--cluster-domain: \(error.message)")
        }
    }

    /// 0 for no DNS.
    private var port: UInt16 { dnsPort ?? (geteuid() == 0 ? 53 : 0) }

    /// Nil for no DNS.
    var configuration: NamesConfiguration? {
        get throws {
            guard port != 0 else { return nil }
            let addresses = dnsAddress.isEmpty ? [.loopbackV4] : dnsAddress.compactMap { IPAddress($0) }
            // An ordinary user serves his own machine.
            let further =
                dnsAddress.isEmpty && geteuid() == 0
                ? NodeAddresses.primary(of: MachineAddresses.current, leaving: MachineAddresses.outgoing) : []
            let upstreams = dnsUpstream.compactMap { UpstreamServer($0) }
            var configuration = NamesConfiguration(
                addresses: addresses.map { SocketAddress(ip: $0, port: Port(port)) },
                furtherAddresses: further.map { SocketAddress(ip: $0, port: Port(port)) }, isOptional: dnsPort == nil,
                upstreams: upstreams.map(\.address), domain: try DomainName(clusterDomain),
                networks: dnsNetwork.compactMap { CIDR($0) }, logPath: dnsLog)
            for server in upstreams { configuration.securedUpstreams[server.address] = server.credentials }
            configuration.hostWiring = dnsHostResolver
            configuration.hostRoot = dnsHostRoot
            return configuration
        }
    }

    /// The same flags for a child process.
    var arguments: [String] {
        var arguments = ["--cluster-domain", clusterDomain]
        if let dnsPort { arguments += ["--dns-port", "\(dnsPort)"] }
        for address in dnsAddress { arguments += ["--dns-address", address] }
        for server in dnsUpstream { arguments += ["--dns-upstream", server] }
        for network in dnsNetwork { arguments += ["--dns-network", network] }
        if dnsHostResolver != .none { arguments += ["--dns-host-resolver", dnsHostResolver.rawValue] }
        if !dnsHostRoot.isEmpty { arguments += ["--dns-host-root", dnsHostRoot] }
        if let dnsLog { arguments += ["--dns-log", dnsLog] }
        return arguments
    }
}

extension HostWiring: ExpressibleByArgument {}
