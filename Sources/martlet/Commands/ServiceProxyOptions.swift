import ArgumentParser
import DataPlane
import NetworkTypes

/// How the data plane enforces Services.
struct ServiceProxyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How Services are enforced: nftables, iptables or ipvs (in the kernel), userspace, or auto: nftables where this "
                + "process may and the kernel can and forwards (net.ipv4.ip_forward).", valueName: "mode"))
    var proxyMode = ProxyMode.auto

    @Flag(
        help: ArgumentHelp(
            "In front of a mode in the kernel, lead sockets of processes on this node to endpoints when they connect, so that "
                + "their packets need no translation. Needs control groups of the second version, a file system of the type "
                + "bpf and CAP_BPF."))
    var socketMode = false

    @Option(
        help: ArgumentHelp(
            "The control group whose processes --socket-mode is for. (default: all)", valueName: "path"))
    var socketCgroup: String?

    @Option(
        help: ArgumentHelp(
            "How the mode ipvs chooses an endpoint: rr or wrr (in turn), lc (the fewest connections), sh or mh (by the "
                + "client's address).", valueName: "scheduler"))
    var ipvsScheduler = ServiceScheduler.roundRobin

    @Option(
        help: ArgumentHelp(
            "The networks of Pods: connections from elsewhere to cluster IPs leave this node under its own address. "
                + "Of the modes in the kernel.", valueName: "cidr,…"), transform: NodePortAddresses.read)
    var clusterCidr: NodePortAddresses?

    @Flag(help: "Every connection to a Service leaves this node under its own address. Of the modes in the kernel.")
    var masqueradeAll = false

    @Flag(
        help: ArgumentHelp(
            "Packets of established connections to Services go from one interface to another past the rules, those of "
                + "firewalls too (a flowtable). Of the mode nftables, where the kernel can."))
    var flowtable = false

    @Option(
        help: ArgumentHelp(
            "How long the other nodes leave an announced load-balancer address to a node that falls silent: 1 to 60. A node "
                + "that cannot renew for three quarters of that falls silent itself.", valueName: "seconds"))
    var announceLeaseDurationSeconds = 2

    func validate() throws {
        guard socketCgroup == nil || socketMode else {
            throw ValidationError("--socket-cgroup: it is for --socket-mode")
        }
        guard (1...60).contains(announceLeaseDurationSeconds) else {
            throw ValidationError("--announce-lease-duration-seconds: \(announceLeaseDurationSeconds) is not 1 to 60")
        }
        guard !flowtable || [.auto, .nftables].contains(proxyMode) else {
            throw ValidationError("--flowtable: the mode \(proxyMode.rawValue) has none, only nftables does")
        }
    }

    var masquerade: MasqueradePolicy {
        var policy = MasqueradePolicy()
        policy.podNetworks = clusterCidr?.networks ?? []
        policy.isForAll = masqueradeAll
        return policy
    }

    /// The same flags for a child process.
    var arguments: [String] {
        var arguments = ["--proxy-mode", proxyMode.rawValue, "--ipvs-scheduler", ipvsScheduler.rawValue]
        if socketMode { arguments.append("--socket-mode") }
        if let socketCgroup { arguments += ["--socket-cgroup", socketCgroup] }
        if let clusterCidr { arguments += ["--cluster-cidr", clusterCidr.description] }
        if masqueradeAll { arguments.append("--masquerade-all") }
        if flowtable { arguments.append("--flowtable") }
        return arguments + ["--announce-lease-duration-seconds", "\(announceLeaseDurationSeconds)"]
    }
}

extension ProxyMode: ExpressibleByArgument {}

extension ServiceScheduler: ExpressibleByArgument {}
