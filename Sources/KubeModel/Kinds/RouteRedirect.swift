/// Where requests are sent.
public struct RouteRedirect: Codable, Hashable, Sendable {
    /// An absolute URL of `http` or `https`, in which `$request_uri`, `$uri`, `$args`, `$is_args`, `$host` and `$scheme` stand for
    /// what the request has.
    public var location: String
    /// 300 to 308.
    public var status: Int

    public init(location: String = "", status: Int = 302) {
        self.location = location
        self.status = status
    }

    /// A piece of a location.
    public enum Part: Hashable, Sendable {
        case text(String)
        /// Path and query as they were sent.
        case pathAndQuery
        case path
        case query
        /// `?` where there is a query.
        case queryMark
        /// Without the port.
        case host
        case scheme
    }

    /// Reads a location; nil for what is no absolute URL, or names a variable that is not known. No longer than 2,048 bytes, with
    /// no more than one variable for each part of a request.
    public static func parts(of location: String) -> [Part]? {
        let bytes = Array(location.utf8)
        guard bytes.count <= 2_048, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !bytes.contains(where: { "\"<>\\^`|".utf8.contains($0) })
        else { return nil }
        let lower = location.lowercased()
        guard let scheme = ["https://", "http://", "$scheme://"].first(where: { lower.hasPrefix($0) }),
            bytes.count > scheme.utf8.count
        else { return nil }
        var parts: [Part] = []
        var text: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "$") else {
                if bytes[index] == UInt8(ascii: "{") || bytes[index] == UInt8(ascii: "}") { return nil }
                text.append(bytes[index])
                index += 1
                continue
            }
            guard let (variable, count) = variable(bytes[(index + 1)...]), !parts.contains(variable) else { return nil }
            if !text.isEmpty { parts.append(.text(String(decoding: text, as: UTF8.self))) }
            text = []
            parts.append(variable)
            index += 1 + count
        }
        if !text.isEmpty { parts.append(.text(String(decoding: text, as: UTF8.self))) }
        return isHostFixed(parts) ? parts : nil
    }

    /// Whether the host is the author's or the request's own: what a request brings beside it stands behind the beginning of a
    /// path or query, so that nobody is sent to where somebody else wants him.
    private static func isHostFixed(_ parts: [Part]) -> Bool {
        // As text: what stands for a host, and what for anything else.
        let shape = parts.reduce("") { shape, part in
            switch part {
            case .text(let text): shape + text
            case .scheme: shape + "http"
            case .host: shape + "h"
            case .pathAndQuery, .path: shape + "/"
            case .queryMark: shape + "?"
            case .query: shape + "$"
            }
        }
        guard let slashes = shape.firstRange(of: "://") else { return false }
        let authority = shape[slashes.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return !authority.isEmpty && authority.first != ":" && !authority.contains("$")
    }

    /// The variable whose name, in braces or not, stands in front, and the bytes that it takes.
    private static func variable(_ bytes: ArraySlice<UInt8>) -> (Part, Int)? {
        let isBraced = bytes.first == UInt8(ascii: "{")
        let name = bytes.dropFirst(isBraced ? 1 : 0).prefix { $0 == UInt8(ascii: "_") || $0 | 0x20 &- 0x61 < 26 }
        if isBraced, bytes.dropFirst(1 + name.count).first != UInt8(ascii: "}") { return nil }
        let part: Part
        switch String(decoding: name, as: UTF8.self) {
        case "request_uri": part = .pathAndQuery
        case "uri", "document_uri": part = .path
        case "args", "query_string": part = .query
        case "is_args": part = .queryMark
        case "host": part = .host
        case "scheme": part = .scheme
        default: return nil
        }
        return (part, name.count + (isBraced ? 2 : 0))
    }
}
