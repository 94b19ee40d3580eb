public import KubeModel

/// A client of a Kubernetes API server.
///
/// Objects travel as documents (`JSONValue` with a `ResourceDefinition`) or as typed structs (`KubeObject`). Every
/// call throws the server's `Status` for an answer other than 2xx, and `ClientError` when there is none. A typed
/// struct has only the fields that it declares: `update` with one replaces the object and drops what the struct does
/// not know, so change objects of other owners by `patch`.
public final class APIClient: Sendable {
    /// Carries the requests.
    public let transport: any APITransport
    public let deadlines: RequestDeadlines

    public init(transport: any APITransport, deadlines: RequestDeadlines = RequestDeadlines()) {
        self.transport = transport
        self.deadlines = deadlines
    }

    // MARK: Documents

    public func get(
        _ definition: ResourceDefinition, _ name: String, namespace: String? = nil, projection: Projection = .whole
    ) async throws -> JSONValue {
        let path = ResourcePath(definition: definition, namespace: namespace, name: name)
        return try await exchange("GET", path.target(), accept: projection.accept())
    }

    /// One page of a list, or all of it without `limit`. Returns the list object.
    public func list(
        _ definition: ResourceDefinition, namespace: String? = nil, options: ListOptions = ListOptions(),
        projection: Projection = .whole
    ) async throws -> JSONValue {
        let path = ResourcePath(definition: definition, namespace: namespace)
        return try await exchange(
            "GET", path.target(options.query(watch: false)), accept: projection.accept(list: true), isList: true)
    }

    /// Creates an object; `object` carries `apiVersion` and `kind`.
    public func create(
        _ definition: ResourceDefinition, _ object: JSONValue, namespace: String? = nil
    ) async throws -> JSONValue {
        let path = ResourcePath(definition: definition, namespace: namespace)
        return try await exchange("POST", path.target(), contentType: Self.json, body: object.encoded())
    }

    /// Replaces an object, or one of its subresources such as `status`. With `metadata.resourceVersion` only if it is
    /// still at that version.
    public func update(
        _ definition: ResourceDefinition, _ object: JSONValue, name: String, namespace: String? = nil,
        subresource: String? = nil
    ) async throws -> JSONValue {
        let path = ResourcePath(definition: definition, namespace: namespace, name: name, subresource: subresource)
        return try await exchange("PUT", path.target(), contentType: Self.json, body: object.encoded())
    }

    public func patch(
        _ definition: ResourceDefinition, _ name: String, namespace: String? = nil, _ patch: Patch,
        subresource: String? = nil, projection: Projection = .whole
    ) async throws -> JSONValue {
        let path = ResourcePath(definition: definition, namespace: namespace, name: name, subresource: subresource)
        return try await exchange(
            "PATCH", path.target(patch.query), accept: projection.accept(), contentType: patch.contentType,
            body: patch.document.encoded())
    }

    /// Returns the deleted object or a `Status` document.
    @discardableResult
    public func delete(
        _ definition: ResourceDefinition, _ name: String, namespace: String? = nil,
        options: DeleteOptions = DeleteOptions(), projection: Projection = .whole
    ) async throws -> JSONValue {
        let path = ResourcePath(definition: definition, namespace: namespace, name: name)
        return try await exchange(
            "DELETE", path.target(), accept: projection.accept(), contentType: Self.json, body: options.body)
    }

    /// Deletes every object that the options select.
    public func deleteCollection(
        _ definition: ResourceDefinition, namespace: String? = nil, options: ListOptions = ListOptions(),
        deletion: DeleteOptions = DeleteOptions()
    ) async throws {
        let path = ResourcePath(definition: definition, namespace: namespace)
        _ = try await exchange(
            "DELETE", path.target(options.query(watch: false)), contentType: Self.json, body: deletion.body,
            isList: true)
    }

    /// Opens a watch, which breaks when the server does not end it in time, and with bookmarks when nothing comes for
    /// `deadlines.watchSilence`. Returns when the server accepted it; throws its `Status` otherwise, 410 when
    /// `options.resourceVersion` is too old.
    public func watch(
        _ definition: ResourceDefinition, namespace: String? = nil, options: ListOptions = ListOptions()
    ) async throws -> WatchStream<JSONValue> {
        try await openWatch(definition, namespace: namespace, options: options) { $0 }
    }

    /// Sends any request, such as `GET /version`, and returns its answer's document.
    public func raw(_ method: String = "GET", _ target: String, body: JSONValue? = nil) async throws -> JSONValue {
        try await exchange(
            method, target, contentType: body == nil ? nil : Self.json, body: body.map { $0.encoded() } ?? [])
    }

    // MARK: Plumbing

    static let json = "application/json"

    func exchange(
        _ method: String, _ target: String, accept: String = APIClient.json, contentType: String? = nil,
        body: [UInt8] = [], isList: Bool = false
    ) async throws -> JSONValue {
        let response = try await transport.send(
            APIRequest(
                method: method, target: target, contentType: contentType, accept: accept, body: body,
                timeout: isList ? deadlines.list : deadlines.answer, silence: isList ? deadlines.listSilence : nil))
        guard (200..<300).contains(response.status) else {
            throw AnswerReader.failure(
                status: response.status, body: response.body, retryAfterSeconds: response.retryAfterSeconds)
        }
        return try AnswerReader.document(response.body)
    }

    func openWatch<Object>(
        _ definition: ResourceDefinition, namespace: String?, options: ListOptions,
        projection: Projection = .whole, decode: @escaping @Sendable (JSONValue) throws -> Object
    ) async throws -> WatchStream<Object> {
        let path = ResourcePath(definition: definition, namespace: namespace)
        let stream = try await transport.open(
            APIRequest(
                method: "GET", target: path.target(options.query(watch: true)), accept: projection.accept(),
                timeout: deadlines.answer, silence: options.allowsBookmarks ? deadlines.watchSilence : nil,
                lifetime: (options.timeoutSeconds.map { .seconds($0) } ?? RequestDeadlines.longestWatch)
                    + deadlines.watchSlack))
        guard (200..<300).contains(stream.status) else {
            var body: [UInt8] = []
            for try await chunk in stream.chunks {
                body += chunk
                // A Status is short; whatever else this is, its beginning says enough.
                if body.count > 64 << 10 { break }
            }
            throw AnswerReader.failure(status: stream.status, body: body, retryAfterSeconds: nil)
        }
        return WatchStream(chunks: stream.chunks, decode: decode)
    }
}
