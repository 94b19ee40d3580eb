/// Where cel-spec's cases and this implementation, which is Kubernetes' for validation rules, are meant to differ.
enum ConformanceDifferences {
    static func reason(for name: String, _ test: TextProto) -> String? {
        if test.text("container") != nil { return "rules have no container to resolve names in" }
        if !test.messages("type_env").isEmpty, test.messages("bindings").isEmpty, test.message("eval_error") == nil {
            return "functions and variables that a case declares of its own"
        }
        for (word, reason) in libraries where (test.text("expr") ?? "").contains(word) { return reason }
        return cases[name]
    }

    /// Libraries that Kubernetes' environment for rules does not have.
    private static let libraries: [(String, String)] = [
        ("cel.block", "Kubernetes' rules have no cel.block"),
        ("math.", "Kubernetes' rules have no math library"),
        ("base64.", "Kubernetes' rules have no encoders library"),
        ("TestAllTypes", "protocol buffers' messages"), ("google.protobuf.", "protocol buffers' messages"),
        ("NestedTestAllTypes", "protocol buffers' messages"), ("proto2.", "protocol buffers' messages"),
    ]

    private static let cases: [String: String] = [:]
}
