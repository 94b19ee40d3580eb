import APIResources
import KubeModel
import Store
import Synchronization
import Transport

/// Everything a GET can ask for that is no resource: discovery, OpenAPI, version, health and metrics.
final class ServerDocuments: Sendable {
    private let resources: ServedResources
    private let unstored: UnstoredResources
    private let derived: Mutex<Derived>

    /// The discovery documents of the set of resources with this generation, and those of them that clients have asked for
    /// in another format than JSON: Go's ask for protobuf, for every group when they start.
    private struct Derived {
        var generation: UInt64
        var discovery: DiscoveryDocuments
        var encoded: [Encoding: [UInt8]] = [:]
    }

    private struct Encoding: Hashable {
        var path: String
        /// Of apidiscovery.k8s.io; "" for the classic document.
        var version: String
        var format: ResponseShape.Format
    }
    let openAPI: OpenAPIService
    let health: HealthChecks
    let metrics: RequestMetrics
    let limit: InFlightLimit
    let crowding: CrowdingWatch
    let store: any Store
    private let status: StatusPage
    private let version: [UInt8]

    init(
        resources: ServedResources, unstored: UnstoredResources, openAPI: OpenAPIService, health: HealthChecks,
        metrics: RequestMetrics,
        limit: InFlightLimit, crowding: CrowdingWatch, store: any Store, status: StatusPage, commit: String
    ) {
        self.status = status
        version = ServerVersion.document(commit: commit)
        self.resources = resources
        self.unstored = unstored
        self.openAPI = openAPI
        self.health = health
        self.metrics = metrics
        self.limit = limit
        self.crowding = crowding
        self.store = store
        let current = resources.current
        derived = Mutex(Derived(generation: current.generation, discovery: DiscoveryDocuments(current, unstored)))
    }

    /// Of what is served now. Derived again by the first request after a change.
    var discovery: DiscoveryDocuments { present.discovery }

    private var present: Derived {
        let current = resources.current
        return derived.withLock { derived in
            // Another request may have seen a newer set already.
            if derived.generation < current.generation {
                derived = Derived(generation: current.generation, discovery: DiscoveryDocuments(current, unstored))
            }
            return derived
        }
    }

    /// - Throws: 404 for a path that leads nowhere, 405 for a method other than GET.
    func respond(_ exchange: Exchange) throws(Status) -> OutgoingResponse {
        let segments = exchange.info.segments
        guard let response = try lookUp(segments, exchange) else { throw Status.resourceNotFound() }
        // Kubernetes answers HEAD where a probe may ask, and nowhere else.
        let isProbe = ["livez", "readyz", "healthz", "metrics"].contains(segments.first)
        guard exchange.request.method == "GET" || isProbe && exchange.request.method == "HEAD" else {
            throw Status.methodNotServed()
        }
        return response
    }

    private func lookUp(_ segments: [String], _ exchange: Exchange) throws(Status) -> OutgoingResponse? {
        switch segments.first {
        case nil: return OutgoingResponse(contentType: "application/json", body: [index])
        case "api", "apis": return try discoveryDocument("/" + segments.joined(separator: "/"), exchange)
        case "openapi": return try openAPI.respond(exchange)
        case "version" where segments.count == 1:
            return OutgoingResponse(contentType: "application/json", body: [version])
        case "livez", "readyz", "healthz": return health.respond(exchange)
        case "metrics" where segments == ["metrics", "slis"]:
            return OutgoingResponse(
                contentType: "text/plain; version=0.0.4; charset=utf-8", body: [Array(health.metrics().utf8)])
        case "statusz" where segments.count == 1: return status.statusz
        case "flagz" where segments.count == 1: return status.flagz
        case "metrics" where segments.count == 1:
            let text = metrics.text(
                inFlight: limit.current, crowding: crowding.counts, revision: store.currentRevision.rawValue,
                compacted: store.compactedRevision.rawValue)
            return OutgoingResponse(
                contentType: "text/plain; version=0.0.4; charset=utf-8", body: [Array(text.utf8)])
        default: return nil
        }
    }

    private func discoveryDocument(_ path: String, _ exchange: Exchange) throws(Status) -> OutgoingResponse? {
        let present = present
        guard let classic = present.discovery.classic[path] else { return nil }
        let aggregated = present.discovery.aggregated[path] ?? [:]
        guard let accept = exchange.request.accept, !accept.isEmpty else {
            return OutgoingResponse(contentType: "application/json", body: [classic])
        }
        for type in AcceptedMediaType.parse(accept) {
            guard let format = ResponseShape.Format(mediaType: type.type) else { continue }
            if type.shape.isEmpty {
                let body = try encoded(classic, Encoding(path: path, version: "", format: format), present)
                return OutgoingResponse(
                    contentType: format.contentType, headers: [(name: "Vary", value: "Accept")], body: body)
            }
            guard type.shape == "APIGroupDiscoveryList", type.group == "apidiscovery.k8s.io",
                let document = aggregated[type.version]
            else { continue }
            let contentType =
                "\(format.contentType);g=apidiscovery.k8s.io;v=\(type.version);as=APIGroupDiscoveryList"
            // A tag is of one encoding.
            let tag = format == .json ? document.etag : "\(document.etag.dropLast())-\(format)\""
            let headers = [(name: "ETag", value: tag), (name: "Vary", value: "Accept")]
            if exchange.request.ifNoneMatch == tag {
                return OutgoingResponse(status: 304, contentType: contentType, headers: headers, body: [])
            }
            let encoding = Encoding(path: path, version: type.version, format: format)
            let body = try encoded(document.bytes, encoding, present)
            return OutgoingResponse(contentType: contentType, headers: headers, body: body)
        }
        throw Status.notAcceptable(
            supported: ["application/json", "application/yaml", ProtobufDocument.mediaType])
    }

    private func encoded(_ document: [UInt8], _ encoding: Encoding, _ present: Derived) throws(Status) -> [[UInt8]] {
        if encoding.format == .json { return [document] }
        if let known = present.encoded[encoding] { return [known] }
        do {
            let made = OutgoingResponse(document: try JSONParser.parse(document), encoding.format).body
            let bytes = Array(made.joined())
            derived.withLock { derived in
                if derived.generation == present.generation { derived.encoded[encoding] = bytes }
            }
            return [bytes]
        } catch {
            throw .internalError("a discovery document is not JSON")
        }
    }

    private var index: [UInt8] {
        let paths =
            discovery.classic.keys.sorted()
            + [
                "/flagz", "/healthz", "/livez", "/metrics", "/metrics/slis", "/openapi/v2", "/openapi/v3", "/readyz",
                "/statusz", "/version",
            ]
        return JSONValue.object(["paths": JSONValue(paths)]).encoded()
    }
}
