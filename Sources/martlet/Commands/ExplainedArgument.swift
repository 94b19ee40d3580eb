import ArgumentParser
import NetworkTypes

/// A value on the command line whose refusal says how one looks: ``read(_:)`` is the `transform:` of its option. The help
/// of such an option does not show its default by itself.
protocol ExplainedArgument: ExpressibleByArgument {
    /// How a value looks, with an example.
    static var form: String { get }
}

extension ExplainedArgument {
    static func read(_ argument: String) throws -> Self {
        guard let value = Self(argument: argument) else { throw ValidationError(form) }
        return value
    }
}

extension NodePortAddresses: ExplainedArgument {
    static var form: String {
        "a list of networks, each an address and the length of its prefix, such as 10.0.0.0/8,fd00::/8; or all"
    }
}

extension SocketAddress: ExplainedArgument {
    static var form: String { "an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080" }
}

extension TimeSpan: ExplainedArgument {
    static var form: String { "numbers with units (h, m, s, ms), such as 24h, 1h30m or 500ms" }
}
