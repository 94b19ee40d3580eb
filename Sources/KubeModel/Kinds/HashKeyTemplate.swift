/// What an upstream's endpoint is chosen by, in the language of ingress-nginx' `upstream-hash-by`: text with variables of
/// nginx in it, `$request_uri` or `${http_x_user}`. Pure.
public struct HashKeyTemplate: Hashable, Sendable {
    public enum Part: Hashable, Sendable {
        case text(String)
        case clientAddress
        /// In lower case, with hyphens.
        case field(String)
        case cookie(String)
        case argument(String)
        case pathAndQuery
        case path
        case query
        case host
        case method
        case scheme
    }

    public struct Failure: Error, Hashable, CustomStringConvertible {
        public var description: String
    }

    public private(set) var parts: [Part] = []

    /// Longer ones are refused, and those with more parts.
    public static let longest = 256
    private static let mostParts = 16

    /// Throws for what cannot be read and for variables that are not known: a key without them would be another one.
    public init(_ text: String) throws(Failure) {
        guard text.utf8.count <= Self.longest else {
            throw Failure(description: "is longer than \(Self.longest) bytes")
        }
        var rest = Substring(text)
        while let first = rest.first {
            guard first == "$" else {
                let run = rest.prefix { $0 != "$" }
                parts.append(.text(String(run)))
                rest = rest[run.endIndex...]
                continue
            }
            rest = rest.dropFirst()
            let isBraced = rest.first == "{"
            if isBraced { rest = rest.dropFirst() }
            let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            rest = rest[name.endIndex...]
            if isBraced {
                guard rest.first == "}" else { throw Failure(description: "has a brace that is not closed") }
                rest = rest.dropFirst()
            }
            guard let part = Self.variable(String(name)) else {
                throw Failure(
                    description: name.isEmpty
                        ? "has a $ without a variable" : "has the variable $\(name), which is not known")
            }
            parts.append(part)
        }
        guard parts.count <= Self.mostParts else {
            throw Failure(description: "has more than \(Self.mostParts) parts")
        }
        let hasVariable = parts.contains { if case .text = $0 { false } else { true } }
        guard hasVariable else { throw Failure(description: "has no variable, so that every request has the same key") }
    }

    /// Of nginx' variables those that are about the request. `$uri` is the path as it was sent.
    private static func variable(_ name: String) -> Part? {
        switch name {
        case "remote_addr", "binary_remote_addr": return .clientAddress
        case "request_uri": return .pathAndQuery
        case "uri", "document_uri": return .path
        case "args", "query_string": return .query
        case "host": return .host
        case "request_method": return .method
        case "scheme": return .scheme
        default: break
        }
        for (prefix, make) in Self.families {
            guard name.hasPrefix(prefix), name.utf8.count > prefix.utf8.count else { continue }
            return make(String(name.dropFirst(prefix.count)))
        }
        return nil
    }

    private static let families: [(String, @Sendable (String) -> Part)] = [
        ("http_", { .field($0.lowercased().map { $0 == "_" ? "-" : String($0) }.joined()) }),
        ("cookie_", { .cookie($0) }),
        ("arg_", { .argument($0) }),
    ]
}
