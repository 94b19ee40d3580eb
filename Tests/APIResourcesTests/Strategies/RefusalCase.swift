import KubeModel
import Testing

@testable import APIResources

/// One row of a validation table: an object and every refusal of it, as `field: message`.
struct RefusalCase: Sendable, CustomTestStringConvertible {
    var name: String
    var object: JSONValue
    var refusals: [String]

    init(_ name: String, _ object: JSONValue, _ refusals: String...) {
        self.name = name
        self.object = object
        self.refusals = refusals
    }

    var testDescription: String { name }

    func expect(_ strategy: any ResourceStrategy, sourceLocation: SourceLocation = #_sourceLocation) {
        var object = object
        if object["metadata"]["namespace"] == nil, strategy.definition.namespaced {
            object["metadata"]["namespace"] = "default"
        }
        let outcome = StrategyFixture(strategy: strategy).create(object)
        #expect(outcome.refusals == refusals, sourceLocation: sourceLocation)
    }
}

enum Wording {
    static let address = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    static let port = "must be between 1 and 65535, inclusive"
    static let label =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        + "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
        + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    static let subdomain =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
        + "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    static let wildcard =
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
        + "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. "
        + "'*.example.com', "
        + "regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    static let dataKey =
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
        + "'KEY_NAME',  "
        + "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
}
