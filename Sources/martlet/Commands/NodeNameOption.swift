import ArgumentParser

/// `--node-name`, of a command and of commands below it: a command reads its options behind the name of one below it too, and
/// both see the value only where it is of one type.
struct NodeNameOption: ParsableArguments {
    @Option(help: "The name of this node.")
    var nodeName = NodeName.current
}
