/// Where cel-spec's cases and this implementation, which is Kubernetes' for validation rules, are meant to differ.
enum ConformanceDifferences {
    /// - Parameter difference: how the case came out.
    static func reason(for name: String, _ test: TextProto, _ difference: String) -> String? {
        if test.text("disable_check") == "true" { return "rules are always checked for types" }
        if test.text("container") != nil { return "rules have no container to resolve names in" }
        if !test.messages("type_env").isEmpty, test.messages("bindings").isEmpty, test.message("eval_error") == nil {
            return "functions and variables that a case declares of its own"
        }
        for (word, reason) in libraries where (test.text("expr") ?? "").contains(word) { return reason }
        // cel-go's HomogeneousAggregateLiterals, which Kubernetes asks for.
        if difference.contains("CELProblem(message: \"expected type ") {
            return "lists and maps hold values of one type"
        }
        return cases[name]
    }

    /// Libraries and syntax that Kubernetes' environment for rules does not have.
    private static let libraries: [(String, String)] = [
        ("cel.block", "Kubernetes' rules have no cel.block"), ("cel.iterVar", "Kubernetes' rules have no cel.block"),
        ("cel.bind", "Kubernetes' rules have no cel.bind"),
        ("math.", "Kubernetes' rules have no math library"),
        ("base64.", "Kubernetes' rules have no encoders library"),
        (".reverse()", "Kubernetes' rules have version 2 of the strings library, which reverses nothing"),
        ("`", "Kubernetes' rules escape names (__dot__, __dash__) and have no quoted ones"),
        ("TestAllTypes", "protocol buffers' messages"), ("google.protobuf.", "protocol buffers' messages"),
        ("NestedTestAllTypes", "protocol buffers' messages"), ("proto2.", "protocol buffers' messages"),
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
        "fields/qualified_identifier_resolution/qualified_identifier_resolution_unchecked": dotted,
        "namespace/qualified/self_eval_qualified_lookup": dotted,
    ]
}
