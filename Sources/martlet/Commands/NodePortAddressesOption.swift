import ArgumentParser

/// `--nodeport-addresses`, shared as ``NodeNameOption`` is.
struct NodePortAddressesOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The networks on whose addresses of this machine node ports are served, such as 10.0.0.0/8; \"all\" for every "
                + "address. Default: all; of dump: wherever the table serves one.", valueName: "cidr,…"),
        transform: NodePortAddresses.read)
    var nodeportAddresses: NodePortAddresses?
}
