import APIResources
import KubeModel
import Store
import Synchronization
import Transport

/// Everything a GET can ask for that is no resource: discovery, OpenAPI, version, health and metrics.
final class ServerDocuments: Sendable {
    private let resources: ServedResources
    private let unstored: UnstoredResources
    /// The discovery documents of the set of resources with this generation.
    private let derived: Mutex<(generation: UInt64, discovery: DiscoveryDocuments)>
    let openAPI: OpenAPIService
    let health: HealthChecks
    let metrics: RequestMetrics
    let limit: InFlightLimit
    let store: any Store
    private let status: StatusPage
    private let version: [UInt8]

    init(
        resources: ServedResources, unstored: UnstoredResources, openAPI: OpenAPIService, health: HealthChecks,
        metrics: RequestMetrics,
        limit: InFlightLimit, store: any Store, status: StatusPage, commit: String
    ) {
        self.status = status
        version = ServerVersion.document(commit: commit)
        self.resources = resources
        self.unstored = unstored
        self.openAPI = openAPI
        self.health = health
        self.metrics = metrics
        self.limit = limit
        self.store = store
        let current = resources.current
        derived = Mutex((current.generation, DiscoveryDocuments(current, unstored)))
    }

    /// Of what is served now. Derived again by the first request after a change.
    var discovery: DiscoveryDocuments {
        let current = resources.settled
        return derived.withLock { derived in
            // Another request may have seen a newer set already.
            if derived.generation < current.generation {
                derived = (current.generation, DiscoveryDocuments(current, unstored))
            }
            return derived.discovery
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
                inFlight: limit.current, revision: store.currentRevision.rawValue,
                compacted: store.compactedRevision.rawValue)
            return OutgoingResponse(
                contentType: "text/plain; version=0.0.4; charset=utf-8", body: [Array(text.utf8)])
        default: return nil
        }
    }

    private func discoveryDocument(_ path: String, _ exchange: Exchange) throws(Status) -> OutgoingResponse? {
        let discovery = discovery
        guard let classic = discovery.classic[path] else { return nil }
        let aggregated = discovery.aggregated[path] ?? [:]
        guard let accept = exchange.request.accept, !accept.isEmpty else {
            return OutgoingResponse(contentType: "application/json", body: [classic])
        }
        for type in AcceptedMediaType.parse(accept) {
            guard let format = ResponseShape.Format(mediaType: type.type) else { continue }
            if type.shape.isEmpty {
                var answer = try Self.encoded(classic, format)
                answer.headers.append(("Vary", "Accept"))
                return answer
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
            let body = try Self.encoded(document.bytes, format).body
            return OutgoingResponse(contentType: contentType, headers: headers, body: body)
        }
        throw Status.notAcceptable(
            supported: ["application/json", "application/yaml", ProtobufDocument.mediaType])
    }

    private static func encoded(_ document: [UInt8], _ format: ResponseShape.Format) throws(Status) -> OutgoingResponse
    {
        guard format != .json else { return OutgoingResponse(contentType: format.contentType, body: [document]) }
        do {
            return OutgoingResponse(document: try JSONParser.parse(document), format)
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
