/// Text with variables of nginx in it, which stand for what a request has: `$request_uri` or `${http_x_user}`. Pure.
public struct RequestTextTemplate: Hashable, Sendable {
    public enum Part: Hashable, Sendable {
        case text(String)
        case clientAddress
        /// In lower case, with hyphens.
        case field(String)
        case cookie(String)
        case argument(String)
        /// As they were sent.
        case pathAndQuery
        /// The same, with all but letters, digits and `-._~` escaped.
        case escapedPathAndQuery
        case path
        case query
        /// Without the port.
        case host
        /// With the port, if there is one.
        case authority
        case method
        case scheme
    }

    public struct Failure: Error, Hashable, CustomStringConvertible {
        public var description: String
    }

    public private(set) var parts: [Part] = []

    private static let mostParts = 32
    public static let longest = 2_048

    /// Throws for what cannot be read and for variables that are not known: text without them would be another one.
    ///
    /// - Parameter isURL: it is no more than what may stand in a URL.
    public init(_ text: String, isURL: Bool) throws(Failure) {
        guard text.utf8.count <= Self.longest else {
            throw Failure(description: "is longer than \(Self.longest) bytes")
        }
        guard text.utf8.allSatisfy({ Self.mayStand($0, isURL: isURL) }) else {
            throw Failure(
                description: isURL ? "has a character that may not stand in a URL" : "has a character that is not ASCII"
            )
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
    }

    private static func mayStand(_ byte: UInt8, isURL: Bool) -> Bool {
        isURL ? 0x21..<0x7F ~= byte && !"\"<>\\^`|".utf8.contains(byte) : 0x20..<0x7F ~= byte
    }

    private static func variable(_ name: String) -> Part? {
        switch name {
        case "remote_addr": return .clientAddress
        case "request_uri": return .pathAndQuery
        case "escaped_request_uri": return .escapedPathAndQuery
        case "uri", "document_uri": return .path
        case "args", "query_string": return .query
        case "host": return .host
        case "http_host", "best_http_host": return .authority
        case "request_method": return .method
        case "scheme", "pass_access_scheme": return .scheme
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
