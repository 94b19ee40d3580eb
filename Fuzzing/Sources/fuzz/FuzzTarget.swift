import KubeModel

/// What one input is fed to. A target ends by returning, whatever the input; a trap is a finding, and so is a property
/// that does not hold.
enum FuzzTarget {
    static let all: [String: @Sendable ([UInt8]) -> Void] = [
        "json": json, "yaml": yaml, "json-patch": jsonPatch, "merge-patch": mergePatch,
        "strategic-merge-patch": strategicMergePatch, "json-pointer": jsonPointer, "selector": selector,
        "field-selector": fieldSelector, "continue": continueToken, "protobuf": protobuf, "schema": schema,
        "names": names, "cel": cel, "pattern": pattern, "fields": fields, "apply": apply, "proxy": proxy,
        "http2": http2,
        "http2-upstream": http2Upstream,
        "http1-server": http1Server, "http2-server": http2Server, "http1-client": http1Client,
        "http1-tunnel": http1Tunnel,
        "http2-client": http2Client, "notification": notification,
        "client-hello": clientHello, "dns": dns, "bgp": bgp, "layer2": layer2,
    ]

    /// Set once, before libFuzzer starts.
    nonisolated(unsafe) static var chosen: @Sendable ([UInt8]) -> Void = { _ in }

    /// `condition` must hold; the input that breaks it is kept like one that crashes.
    static func check(_ condition: Bool, _ what: @autoclosure () -> String, line: Int = #line) {
        if !condition { fatalError("line \(line): \(what())") }
    }

    /// The two halves of an input at its first newline; nil without one.
    static func halves(_ input: [UInt8]) -> (first: [UInt8], second: [UInt8])? {
        guard let split = input.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        return (Array(input[..<split]), Array(input[(split + 1)...]))
    }

    static func parsed(_ bytes: [UInt8]) -> JSONValue? {
        try? JSONParser.parse(bytes)
    }
}
