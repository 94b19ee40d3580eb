public import KubeModel
import Synchronization

/// An API server in memory that carries out what it is asked, for the tests of controllers.
///
/// It does create, get, list, watch, update, merge patch and delete on objects and their `status`, with resource
/// versions, conflicts, uids, generations, finalizers, selectors, pages, deletion preconditions and propagation, and 410
/// for compacted revisions; discovery is aggregated. `Tests/ClientConformanceTests` holds it to the real server's ways. It
/// does not default, validate or allocate, and namespaces need not exist.
public final class InMemoryAPI: APITransport {
    private struct Change {
        var revision: Int
        var type: String
        var definition: ResourceDefinition
        var object: JSONValue
        var previous: JSONValue?
    }

    private struct Watcher {
        var definition: ResourceDefinition
        var namespace: String?
        var selection: Selection
        var continuation: AsyncThrowingStream<[UInt8], any Error>.Continuation
    }

    private struct State {
        var definitions: [ResourceDefinition]
        var revision = 1
        var compacted = 0
        var objects: [ResourceDefinition: [NamespacedName: JSONValue]] = [:]
        var history: [Change] = []
        var watchers: [Int: Watcher] = [:]
        var nextID = 0
        var failures: [(method: String?, status: Status)] = []
        var requests: [String] = []
        /// Requests wait for it while it is closed.
        var silence: Latch?
    }

    // The mutex protects all of the state.
    private let state: Mutex<State>

    /// - Parameter definitions: the kinds that it serves.
    public init(_ definitions: [ResourceDefinition]) {
        state = Mutex(State(definitions: definitions))
    }

    // MARK: For tests

    /// `METHOD target` of every request so far.
    public var requests: [String] { state.withLock { $0.requests } }

    /// Serves one more kind.
    public func serve(_ definition: ResourceDefinition) { state.withLock { $0.definitions.append(definition) } }

    /// Serves a kind no more: its objects are gone and its watches end.
    public func stopServing(_ definition: ResourceDefinition) {
        let ended = state.withLock { state in
            state.definitions.removeAll { $0 == definition }
            state.objects[definition] = nil
            let ended = state.watchers.filter { $0.value.definition == definition }
            for id in ended.keys { state.watchers[id] = nil }
            return ended.values.map(\.continuation)
        }
        for continuation in ended { continuation.finish() }
    }

    public func forgetRequests() { state.withLock { $0.requests = [] } }

    /// Lets the next request of a method (or any) fail.
    public func failNext(_ method: String? = nil, with status: Status) {
        state.withLock { $0.failures.append((method, status)) }
    }

    /// Answers nothing any more: requests wait until they are cancelled, and watches stay open without events.
    public func fallSilent() { state.withLock { $0.silence = Latch() } }

    /// Answers again, beginning with the requests that wait. Watches that missed events break.
    public func speakAgain() {
        dropWatches()
        let silence = state.withLock { state in
            defer { state.silence = nil }
            return state.silence
        }
        silence?.open()
    }

    /// Ends every open watch, as a broken connection does.
    public func dropWatches() {
        let watchers = state.withLock { state in
            defer { state.watchers = [:] }
            return Array(state.watchers.values)
        }
        for watcher in watchers {
            watcher.continuation.finish(throwing: ClientError(.unreachable, "the connection was reset"))
        }
    }

    /// Forgets history, so that watches from older revisions get 410.
    public func compact() {
        state.withLock { state in
            state.history = []
            state.compacted = state.revision
        }
    }

    public var openWatches: Int { state.withLock { $0.watchers.count } }

    // MARK: APITransport

    public func send(_ request: APIRequest) async throws -> APIResponse {
        try await state.withLock { $0.silence }?.wait()
        do {
            let document = try handle(request)
            return APIResponse(status: request.method == "POST" ? 201 : 200, body: document.encoded())
        } catch let status as Status {
            return APIResponse(status: status.code, body: status.json.encoded())
        }
    }

    public func open(_ request: APIRequest) async throws -> APIStream {
        try await state.withLock { $0.silence }?.wait()
        let (chunks, continuation) = AsyncThrowingStream.makeStream(of: [UInt8].self)
        do {
            try watch(request, continuation)
            return APIStream(status: 200, chunks: chunks)
        } catch let status as Status {
            continuation.yield(status.json.encoded())
            continuation.finish()
            return APIStream(status: status.code, chunks: chunks)
        }
    }

    private func begin(_ request: APIRequest) throws -> RequestTarget {
        let failure = state.withLock { state -> Status? in
            state.requests.append("\(request.method) \(request.target)")
            guard let index = state.failures.firstIndex(where: { $0.method == nil || $0.method == request.method })
            else { return nil }
            return state.failures.remove(at: index).status
        }
        if let failure { throw failure }
        guard let target = RequestTarget(request.target, state.withLock { $0.definitions }) else {
            throw Status.resourceNotFound()
        }
        return target
    }

    private func handle(_ request: APIRequest) throws -> JSONValue {
        if request.method == "GET", ["/api", "/apis"].contains(request.target) {
            return DiscoveryAnswer.aggregated(
                state.withLock { $0.definitions }.filter { ($0.group == "") == (request.target == "/api") })
        }
        let target = try begin(request)
        let body = request.body.isEmpty ? nil : try JSONParser.parse(request.body)
        return try state.withLock { state in
            switch (request.method, target.name) {
            case ("GET", let name?): return try Self.existing(state, target, name)
            case ("GET", nil): return try Self.list(state, target)
            case ("POST", nil): return try Self.create(&state, target, body ?? .null)
            case ("PUT", let name?): return try Self.replace(&state, target, name, body ?? .null)
            case ("PATCH", let name?):
                guard request.contentType == Patch.merge(.null).contentType else {
                    throw Status.unsupportedMediaType(supported: [Patch.merge(.null).contentType])
                }
                let current = try Self.existing(state, target, name)
                return try Self.replace(&state, target, name, Self.merged(current, body ?? .null))
            case ("DELETE", let name?): return try Self.delete(&state, target, name, body)
            default: throw Status.methodNotAllowed(target.definition.groupResource, request.method)
            }
        }
    }

    // MARK: Verbs

    private static func existing(_ state: State, _ target: RequestTarget, _ name: String) throws -> JSONValue {
        let key = NamespacedName(namespace: target.namespace ?? "", name: name)
        guard let object = state.objects[target.definition]?[key] else {
            throw Status.notFound(target.definition.groupResource, name)
        }
        return object
    }

    private static func list(_ state: State, _ target: RequestTarget) throws -> JSONValue {
        let selection = try target.selection()
        var items = (state.objects[target.definition] ?? [:]).sorted { $0.key < $1.key }.filter {
            (target.namespace == nil || $0.key.namespace == target.namespace) && selection.matches($0.value)
        }
        var metadata: JSONObject = ["resourceVersion": .string("\(state.revision)")]
        // A page begins behind the key that the last one ended with. Its revision is not kept: pages are as of now.
        if let token = target.query["continue"], !token.isEmpty {
            let parts = token.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { throw Status.badRequest("continue key is not valid: \(token)") }
            let last = NamespacedName(namespace: parts[0], name: parts[1])
            items = items.filter { last < $0.key }
        }
        if let limit = target.query["limit"].flatMap({ Int($0) }), limit > 0, items.count > limit {
            metadata["remainingItemCount"] = .integer(Int64(items.count - limit))
            items = Array(items.prefix(limit))
            if let last = items.last { metadata["continue"] = .string("\(last.key.namespace)/\(last.key.name)") }
        }
        return [
            "apiVersion": .string(target.definition.apiVersion), "kind": .string(target.definition.kind + "List"),
            "metadata": .object(metadata), "items": .array(items.map { $0.value }),
        ]
    }

    private static func create(_ state: inout State, _ target: RequestTarget, _ body: JSONValue) throws -> JSONValue {
        var object = body
        state.nextID += 1
        var name = object["metadata"]["name"]?.string ?? ""
        if name.isEmpty, let prefix = object["metadata"]["generateName"]?.string {
            name = prefix + String(state.nextID, radix: 36)
        }
        guard !name.isEmpty else { throw Status.badRequest("name or generateName is required") }
        let key = NamespacedName(namespace: target.namespace ?? "", name: name)
        guard state.objects[target.definition]?[key] == nil else {
            throw Status.alreadyExists(target.definition.groupResource, name)
        }
        var metadata = object["metadata"]?.object ?? JSONObject()
        metadata["name"] = .string(name)
        if let namespace = target.namespace { metadata["namespace"] = .string(namespace) }
        metadata["uid"] = .string("uid-\(state.nextID)")
        metadata["generation"] = 1
        if metadata["creationTimestamp"] == nil {
            metadata["creationTimestamp"] = .string(WallClock.timestamp.description)
        }
        object["metadata"] = .object(metadata)
        return commit(&state, target.definition, key, object, type: "ADDED", previous: nil)
    }

    private static func replace(
        _ state: inout State, _ target: RequestTarget, _ name: String, _ body: JSONValue
    ) throws -> JSONValue {
        let current = try existing(state, target, name)
        if let version = body["metadata"]["resourceVersion"]?.string, !version.isEmpty,
            version != current["metadata"]["resourceVersion"]?.string
        {
            throw Status.conflict(target.definition.groupResource, name, Status.modifiedMessage)
        }
        var next = body
        if target.subresource == "status" {
            next = current
            next["status"] = body["status"]
        } else {
            if target.definition.hasStatus { next["status"] = current["status"] }
            for field in ["uid", "creationTimestamp", "deletionTimestamp", "generation"] {
                next["metadata"][field] = current["metadata"][field]
            }
            if next["spec"] != current["spec"] {
                next["metadata"]["generation"] = .integer(
                    Int64(current["metadata"]["generation"]?.int ?? 0) + 1)
            }
        }
        next["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"]
        let key = NamespacedName(namespace: target.namespace ?? "", name: name)
        if next["metadata"]["deletionTimestamp"] != nil, next["metadata"]["finalizers"]?.array?.isEmpty ?? true {
            return commit(&state, target.definition, key, next, type: "DELETED", previous: current)
        }
        guard next != current else { return current }
        return commit(&state, target.definition, key, next, type: "MODIFIED", previous: current)
    }

    private static func delete(
        _ state: inout State, _ target: RequestTarget, _ name: String, _ body: JSONValue?
    ) throws -> JSONValue {
        var current = try existing(state, target, name)
        let preconditions = body?["preconditions"]
        for field in ["uid", "resourceVersion"] {
            if let wanted = preconditions[field]?.string, wanted != current["metadata"][field]?.string {
                throw Status.conflict(target.definition.groupResource, name, "the precondition failed")
            }
        }
        let key = NamespacedName(namespace: target.namespace ?? "", name: name)
        let previous = current
        var grace = 0
        if target.definition.kind == "Pod", !(current["spec"]["nodeName"]?.string ?? "").isEmpty {
            grace =
                body?["gracePeriodSeconds"]?.int ?? current["spec"]["terminationGracePeriodSeconds"]?.int ?? 0
        }
        if let finalizer = propagationFinalizers[body?["propagationPolicy"]?.string ?? ""] {
            var finalizers = current["metadata"]["finalizers"]?.array ?? []
            if !finalizers.contains(.string(finalizer)) { finalizers.append(.string(finalizer)) }
            current["metadata"]["finalizers"] = .array(finalizers)
        }
        let isHeld = !(current["metadata"]["finalizers"]?.array?.isEmpty ?? true)
        if isHeld || grace > 0 {
            if current["metadata"]["deletionTimestamp"] == nil {
                let end = WallClock.timestamp.advanced(bySeconds: Int64(grace))
                current["metadata"]["deletionTimestamp"] = .string(end.description)
                current["metadata"]["deletionGracePeriodSeconds"] = .integer(Int64(grace))
            }
            guard current != previous else { return current }
            return commit(&state, target.definition, key, current, type: "MODIFIED", previous: previous)
        }
        let gone = commit(&state, target.definition, key, current, type: "DELETED", previous: current)
        // Pods and Services are answered themselves, most kinds by a Status.
        if ["Pod", "Service"].contains(target.definition.kind) { return gone }
        return [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success",
            "details": [
                "name": .string(name), "group": .string(target.definition.group),
                "kind": .string(target.definition.plural), "uid": gone["metadata"]["uid"] ?? .null,
            ],
        ]
    }

    private static let propagationFinalizers = ["Orphan": "orphan", "Foreground": "foregroundDeletion"]

    private static func commit(
        _ state: inout State, _ definition: ResourceDefinition, _ key: NamespacedName, _ object: JSONValue,
        type: String, previous: JSONValue?
    ) -> JSONValue {
        state.revision += 1
        var object = object
        object["apiVersion"] = .string(definition.apiVersion)
        object["kind"] = .string(definition.kind)
        object["metadata"]["resourceVersion"] = .string("\(state.revision)")
        state.objects[definition, default: [:]][key] = type == "DELETED" ? nil : object
        let change = Change(
            revision: state.revision, type: type, definition: definition, object: object, previous: previous)
        state.history.append(change)
        guard state.silence == nil else { return object }
        for watcher in state.watchers.values { deliver(change, to: watcher) }
        return object
    }

    /// RFC 7386, section 2.
    private static func merged(_ value: JSONValue, _ patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var result = value.object ?? JSONObject()
        for (key, change) in changes {
            result[key] = change.isNull ? nil : merged(result[key] ?? .null, change)
        }
        return .object(result)
    }

    // MARK: Watch

    private func watch(
        _ request: APIRequest, _ continuation: AsyncThrowingStream<[UInt8], any Error>.Continuation
    ) throws {
        let target = try begin(request)
        let watcher = Watcher(
            definition: target.definition, namespace: target.namespace, selection: try target.selection(),
            continuation: continuation)
        let id = try state.withLock { state in
            let from = target.query["resourceVersion"].flatMap { Int($0) } ?? 0
            if from == 0 {
                // Without a revision a watch begins with what there is.
                for (_, object) in (state.objects[target.definition] ?? [:]).sorted(by: { $0.key < $1.key }) {
                    let change = Change(
                        revision: state.revision, type: "ADDED", definition: target.definition, object: object)
                    Self.deliver(change, to: watcher)
                }
            } else {
                guard from >= state.compacted else {
                    throw Status.expired("too old resource version: \(from) (\(state.compacted))")
                }
                for change in state.history where change.revision > from { Self.deliver(change, to: watcher) }
            }
            state.nextID += 1
            state.watchers[state.nextID] = watcher
            return state.nextID
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.watchers.removeValue(forKey: id) }
        }
    }

    private static func deliver(_ change: Change, to watcher: Watcher) {
        guard change.definition == watcher.definition,
            watcher.namespace == nil || change.object["metadata"]["namespace"]?.string == watcher.namespace
        else { return }
        let isMatch = change.type != "DELETED" && watcher.selection.matches(change.object)
        let wasMatch = change.previous.map { watcher.selection.matches($0) } ?? false
        let type: String
        switch (wasMatch, isMatch) {
        case (false, true): type = "ADDED"
        case (true, true): type = "MODIFIED"
        case (true, false): type = "DELETED"
        case (false, false): return
        }
        let line: JSONValue = ["type": .string(type), "object": change.object]
        watcher.continuation.yield(line.encoded() + [UInt8(ascii: "\n")])
    }
}

/// What a list or watch selects. Fields are looked up by their paths; the server knows a few of each kind only.
private struct Selection {
    var labels: Selector?
    var fields: [(path: [String], value: String, isEqual: Bool)] = []

    func matches(_ object: JSONValue) -> Bool {
        guard labels?.matches(object["metadata"]["labels"]?.object?.strings ?? [:]) ?? true else { return false }
        return fields.allSatisfy { field in
            var value: JSONValue? = object
            for part in field.path { value = value?[part] }
            return ((value?.string ?? "") == field.value) == field.isEqual
        }
    }
}

/// A request's path, taken apart.
private struct RequestTarget {
    var definition: ResourceDefinition
    var namespace: String?
    var name: String?
    var subresource: String?
    var query: [String: String] = [:]

    init?(_ target: String, _ definitions: [ResourceDefinition]) {
        let halves = target.split(separator: "?", maxSplits: 1)
        var parts = halves[0].split(separator: "/").map { Self.unescaped($0) }
        guard let root = parts.first else { return nil }
        parts.removeFirst()
        let group = root == "apis" && !parts.isEmpty ? parts.removeFirst() : ""
        guard root == "api" || root == "apis", !parts.isEmpty else { return nil }
        let version = parts.removeFirst()
        if parts.first == "namespaces", parts.count > 2 {
            namespace = parts[1]
            parts.removeFirst(2)
        }
        guard let plural = parts.first,
            let definition = definitions.first(where: {
                $0.group == group && $0.version == version && $0.plural == plural
            })
        else { return nil }
        self.definition = definition
        if parts.count > 1 { name = parts[1] }
        if parts.count > 2 { subresource = parts[2] }
        for item in halves.count > 1 ? halves[1].split(separator: "&") : [] {
            let pair = item.split(separator: "=", maxSplits: 1)
            query[Self.unescaped(pair[0])] = pair.count > 1 ? Self.unescaped(pair[1]) : ""
        }
    }

    func selection() throws -> Selection {
        var selection = Selection()
        if let text = query["labelSelector"] {
            do {
                selection.labels = try Selector(parsing: text)
            } catch {
                throw Status.badRequest("unable to parse \(text): \(error)")
            }
        }
        for term in (query["fieldSelector"] ?? "").split(separator: ",") {
            let isEqual = !term.contains("!=")
            let halves = term.split(whereSeparator: { $0 == "=" || $0 == "!" })
            guard let path = halves.first else { throw Status.badRequest("unable to parse \(term)") }
            selection.fields.append(
                (path.split(separator: ".").map(String.init), halves.count > 1 ? String(halves[1]) : "", isEqual))
        }
        return selection
    }

    private static func unescaped(_ text: some StringProtocol) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
