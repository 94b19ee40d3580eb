import Transport

/// What a path names, before anything is known about the kinds this server has.
///
/// The grammar is Kubernetes' (API concepts, "Resource URIs"):
/// `/api/v1/…` and `/apis/GROUP/VERSION/…`, then `[watch/][namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE]]`.
struct RequestInfo: Sendable, Hashable {
    enum Target: Sendable, Hashable {
        /// `/api`, `/apis/…` without a resource, `/version`, `/healthz`, `/openapi/v3`, …
        case nonResource
        case resource(ResourcePath)
    }

    struct ResourcePath: Sendable, Hashable {
        var group: String
        var version: String
        var plural: String
        /// "" when the path has no namespace.
        var namespace: String
        /// "" for a collection.
        var name: String
        /// "" for the object itself; otherwise everything behind the name.
        var subresource: String
        /// The path has the `/watch/` prefix of old clients.
        var isWatchPath: Bool
    }

    var target: Target
    /// Decoded segments of the path; empty segments (a doubled or trailing slash) are left out.
    var segments: [String]

    init(path: Substring) {
        var path = path
        self.init(segments: path.withUTF8(Self.segments))
    }

    private static func segments(_ path: UnsafeBufferPointer<UInt8>) -> [String] {
        var segments: [String] = []
        segments.reserveCapacity(8)
        var start = 0
        while start < path.count {
            var end = start
            var hasEscapes = false
            while end < path.count, path[end] != UInt8(ascii: "/") {
                if path[end] == UInt8(ascii: "%") { hasEscapes = true }
                end += 1
            }
            if end > start {
                let text = String(decoding: UnsafeBufferPointer(rebasing: path[start..<end]), as: UTF8.self)
                // A malformed escape names nothing there is; the raw text leads to the 404 it deserves.
                segments.append(hasEscapes ? PercentEncoding.decode(text) ?? text : text)
            }
            start = end + 1
        }
        return segments
    }

    init(segments: [String]) {
        self.segments = segments
        target = .nonResource
        var rest: ArraySlice<String>
        let group: String
        let version: String
        if segments.first == "api", segments.count > 2 {
            group = ""
            version = segments[1]
            rest = segments[2...]
        } else if segments.first == "apis", segments.count > 3 {
            group = segments[1]
            version = segments[2]
            rest = segments[3...]
        } else {
            return
        }
        var isWatchPath = false
        if rest.first == "watch" {
            rest = rest.dropFirst()
            guard !rest.isEmpty else { return }
            isWatchPath = true
        }
        var namespace = ""
        if rest.first == "namespaces", rest.count > 1 {
            let name = rest[rest.startIndex + 1]
            let tail = rest.dropFirst(2)
            // `/namespaces/x/status` is a subresource of the Namespace; `/namespaces/x/services` a resource inside it.
            if let first = tail.first, !(tail.count == 1 && Self.namespaceSubresources.contains(first)) {
                namespace = name
                rest = tail
            }
        }
        let parts = Array(rest)
        target = .resource(
            ResourcePath(
                group: group, version: version, plural: parts[0], namespace: namespace,
                name: parts.count > 1 ? parts[1] : "",
                subresource: parts.count > 2 ? parts[2...].joined(separator: "/") : "", isWatchPath: isWatchPath))
    }

    private static let namespaceSubresources: Set<String> = ["status", "finalize"]
}
