/// Where cel-spec's cases and this implementation, which is Kubernetes' for validation rules, are meant to differ.
enum ConformanceDifferences {
    /// A difference that is listed: what lists it, and why it is meant.
    struct Entry: Hashable {
        let key: String
        let reason: String
    }

    /// - Parameter difference: how the case came out.
    static func entry(for name: String, _ test: TextProto, _ difference: String) -> Entry? {
        if test.text("disable_check") == "true" { return unchecked }
        if test.text("container") != nil { return contained }
        if !test.messages("type_env").isEmpty, test.messages("bindings").isEmpty, test.message("eval_error") == nil {
            return declaring
        }
        for (word, reason) in libraries where (test.text("expr") ?? "").contains(word) {
            return Entry(key: word, reason: reason)
        }
        if difference.contains("CELProblem(message: \"expected type ") { return mixed }
        return cases[name].map { Entry(key: name, reason: $0) }
    }

    /// The keys of everything that is listed.
    static let keys = Set(
        [unchecked, contained, declaring, mixed].map(\.key) + libraries.map(\.0) + cases.keys)

    private static let unchecked = Entry(key: "disable_check", reason: "rules are always checked for types")
    private static let contained = Entry(key: "container", reason: "rules have no container to resolve names in")
    private static let declaring = Entry(
        key: "type_env", reason: "functions and variables that a case declares of its own")
    // cel-go's HomogeneousAggregateLiterals, which Kubernetes asks for.
    private static let mixed = Entry(key: "expected type", reason: "lists and maps hold values of one type")

    /// Libraries and syntax that Kubernetes' environment for rules does not have.
    private static let libraries: [(String, String)] = [
        ("cel.block", "Kubernetes' rules have no cel.block"), ("cel.iterVar", "Kubernetes' rules have no cel.block"),
        ("cel.bind", "Kubernetes' rules have no cel.bind"),
        ("math.", "Kubernetes' rules have no math library"),
        ("base64.", "Kubernetes' rules have no encoders library"),
        (".reverse()", "Kubernetes' rules have version 2 of the strings library, which reverses nothing"),
        ("`", "Kubernetes' rules escape names (__dot__, __dash__) and have no quoted ones"),
        ("TestAllTypes", "protocol buffers' messages"), ("google.protobuf.", "protocol buffers' messages"),
    ]

    private static let addresses = "Kubernetes' ip() takes no IPv4 address in IPv6's form"
    private static let infinities =
        "version 2 of the strings library writes infinities as Go does, and %d takes integers"
    private static let dotted = "variables of rules have simple names"

    private static let cases: [String: String] = [
        "fields/qualified_identifier_resolution/qualified_ident": dotted,
        "fields/qualified_identifier_resolution/map_field_select": dotted,
        "fields/qualified_identifier_resolution/ident_with_longest_prefix_check": dotted,
        "network_ext/ipv4/ipv4_equals_ipv6": addresses, "network_ext/ipv4/ipv4_not_equals_ipv6": addresses,
        "string_ext/format/positive infinity support for scientific notation": infinities,
        "string_ext/format/negative infinity support for scientific notation": infinities,
        "string_ext/format/NaN support for decimal": infinities,
        "string_ext/format/positive infinity support for decimal": infinities,
        "string_ext/format/negative infinity support for decimal": infinities,
        "string_ext/format/positive infinity support for fixed-point": infinities,
        "string_ext/format/negative infinity support for fixed-point": infinities,
        "string_ext/format/dyntype NaN/infinity support": infinities,
        "timestamps/duration_converters/get_milliseconds": "cel-go, and so Kubernetes, gives the whole in milliseconds",
        "type_deduction/flexible_type_parameter_assignment/unconstrained_type_var_as_dyn":
            "the case is about types only: its evaluation fails, as it must",
        "type_deduction/legacy_nullable_types/null_assignable_to_message_parameter_candidate":
            "protocol buffers' messages",
        "type_deduction/legacy_nullable_types/null_assignable_to_duration_parameter_candidate":
            "protocol buffers' messages",
        "type_deduction/legacy_nullable_types/null_assignable_to_timestamp_parameter_candidate":
            "protocol buffers' messages",
        "namespace/qualified/self_eval_qualified_lookup": dotted,
    ]
}
