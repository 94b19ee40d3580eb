import KubeModel
import NetworkTypes

/// Texts of queries and fields.
extension FuzzTarget {
    static func selector(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        guard let selector = try? Selector(parsing: text) else { return }
        let written = selector.description
        check((try? Selector(parsing: written)) == selector, "a selector does not survive: \(written)")
        _ = selector.matches(["a": "b", "c": ""])
    }

    static func fieldSelector(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        guard let selector = try? FieldSelector(parsing: text) else { return }
        let written = selector.description
        check((try? FieldSelector(parsing: written)) == selector, "a selector does not survive: \(written)")
        _ = selector.matches(["metadata.name": "b"])
    }

    /// Names, addresses, ranges, times: what is read is written canonically.
    static func names(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        for rule in [
            Validation.dns1123Label, Validation.dns1123Subdomain, Validation.dns1035Label, Validation.qualifiedName,
            Validation.labelValue, Validation.pathSegmentName, Validation.portName,
            Validation.wildcardDNS1123Subdomain,
        ] { _ = rule(text) }
        if let address = IPAddress(text) { check(IPAddress(address.description) == address, "address \(address)") }
        if let range = CIDR(text) { check(CIDR(range.description) == range, "range \(range)") }
        if let time = Timestamp(text) { check(Timestamp(time.description) != nil, "time \(time)") }
    }

    /// A schema and a document, a line each: compiled, then everything that is done with a document of it.
    static func schema(_ input: [UInt8]) {
        guard let halves = halves(input), let json = parsed(halves.first), let schema = try? Schema(json: json) else {
            return
        }
        guard var document = parsed(halves.second) else { return }
        _ = schema.mismatches(in: document)
        _ = schema.prune(&document)
        schema.applyDefaults(&document)
        _ = schema.validate(document)
        var again = document
        check(schema.prune(&again).isEmpty, "pruning is not done at once")
    }
}
