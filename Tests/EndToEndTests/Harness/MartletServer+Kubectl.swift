import Foundation
import Testing

extension MartletServer {
    /// Settings under which `kubectl` and client libraries find this server and nothing else.
    var clientEnvironment: [String: String] {
        ["KUBECONFIG": file("admin.kubeconfig"), "HOME": directory.path, "KUBECACHEDIR": file("kubectl-cache")]
    }

    /// Runs `kubectl`, whatever it answers.
    func tryKubectl(
        _ arguments: [String], input: String? = nil, environment: [String: String] = [:],
        within timeout: Duration = .seconds(60)
    ) async throws -> Program.Output {
        try await Program.run(
            "kubectl", arguments, environment: clientEnvironment.merging(environment) { $1 }, input: input,
            within: timeout)
    }

    /// Runs `kubectl`, which must succeed, and returns what it prints without the last line break.
    @discardableResult
    func kubectl(
        _ arguments: String..., input: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let output = try await tryKubectl(arguments, input: input)
        try #require(
            output.succeeded, "kubectl \(arguments.joined(separator: " ")): \(output)", sourceLocation: sourceLocation)
        return output.out.hasSuffix("\n") ? String(output.out.dropLast()) : output.out
    }

    /// Runs `kubectl`, which must fail, and returns its complaint.
    func kubectlError(
        _ arguments: String..., input: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let output = try await tryKubectl(arguments, input: input)
        try #require(
            !output.succeeded, "kubectl \(arguments.joined(separator: " ")): \(output)", sourceLocation: sourceLocation)
        return output.err
    }

    /// The minor version of `kubectl`: 20 for 1.20.
    func kubectlMinorVersion() async throws -> Int {
        let text = try await kubectl("version", "--client", "-o", "json")
        let match = try #require(text.firstMatch(of: #/"gitVersion": *"v1\.(\d+)/#))
        return try #require(Int(match.output.1))
    }

    /// Makes a namespace for one test.
    func makeNamespace(_ name: String) async throws {
        try await kubectl("create", "namespace", name)
    }

    /// Reasons and messages of the Events about an object of the namespace `default`.
    func events(about name: String) async throws -> String {
        try await tryKubectl([
            "get", "events", "--field-selector", "involvedObject.name=\(name)", "-o",
            #"jsonpath={range .items[*]}{.reason} {.message}{"\n"}{end}"#,
        ]).out
    }
}
