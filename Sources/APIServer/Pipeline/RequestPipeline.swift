import APIResources
import KubeModel
import NetworkTypes
import Transport
import WatchCache

/// Takes a request through the phases of `RequestPhase` to its verb. Immutable; called from any thread; never blocks.
final class RequestPipeline: Sendable {
    let resources: ServedResources
    let unstored: UnstoredResources
    let authenticator: Authenticator
    let authorizer: any Authorizer
    let limit: InFlightLimit
    let metrics: RequestMetrics
    let documents: ServerDocuments
    let reader: ObjectReader
    let writer: ObjectWriter
    let watcher: WatchService
    let proxy: ProxyService
    /// Where writes go on that would keep everybody else on their loop waiting.
    let largeWrites: LargeWrites
    let maxBodyBytes: Int
    let clock: @Sendable () -> Timestamp

    init(
        resources: ServedResources, unstored: UnstoredResources, authenticator: Authenticator,
        authorizer: any Authorizer, limit: InFlightLimit, metrics: RequestMetrics,
        documents: ServerDocuments, reader: ObjectReader, writer: ObjectWriter, watcher: WatchService,
        proxy: ProxyService, largeWrites: LargeWrites, maxBodyBytes: Int = 3 << 20,
        clock: @escaping @Sendable () -> Timestamp = { Timestamp.now }
    ) {
        self.resources = resources
        self.unstored = unstored
        self.authenticator = authenticator
        self.authorizer = authorizer
        self.limit = limit
        self.metrics = metrics
        self.documents = documents
        self.reader = reader
        self.writer = writer
        self.watcher = watcher
        self.proxy = proxy
        self.largeWrites = largeWrites
        self.maxBodyBytes = maxBodyBytes
        self.clock = clock
    }

    /// Answers `request` through `response`, now or later.
    func handle(_ request: IncomingRequest, _ response: any ResponseWriter) {
        var exchange = Exchange(
            request: request, writer: response, now: clock(), started: MonotonicTime.now,
            info: RequestInfo(path: Substring(request.path)))
        do throws(Status) {
            exchange.query = try QueryItems(Substring(request.query))
            exchange.isPretty = Self.wantsLines(request, exchange.query)
            try run(.authenticate, &exchange)
            if let source = resources.sourceToAwait(for: exchange.info) {
                try goOn(exchange, behind: source)
                return
            }
        } catch {
            return answer(exchange, with: error)
        }
        goOn(exchange)
    }

    /// Every phase that follows on `authenticate`.
    private func goOn(_ exchange: Exchange) {
        var exchange = exchange
        do throws(Status) {
            for phase in RequestPhase.allCases.dropFirst() { try run(phase, &exchange) }
        } catch {
            answer(exchange, with: error)
        }
    }

    /// Kinds are being made that the answer may depend on: the request goes on when they are served.
    private func goOn(_ exchange: Exchange, behind source: any ResourceSource) throws(Status) {
        guard source.whenSettled({ self.goOn(exchange) }) else { throw Status.tooManyRequests() }
    }

    private func run(_ phase: RequestPhase, _ exchange: inout Exchange) throws(Status) {
        switch phase {
        case .authenticate: try authenticate(&exchange)
        case .route: try route(&exchange)
        case .authorize: try authorize(exchange)
        case .limit: try takeSlot(&exchange)
        case .negotiate: try negotiate(&exchange)
        case .perform: try perform(exchange)
        }
    }

    private func authenticate(_ exchange: inout Exchange) throws(Status) {
        guard !exchange.request.repeatsAuthorization else {
            throw Status.badRequest("the request has more than one Authorization header")
        }
        if let user = try authenticator.authenticate(exchange.request) {
            exchange.user = user
            if exchange.request.impersonates { throw Self.impersonationRefused(user) }
        } else if !authorizer.decide(Self.pathAttributes(exchange)).isAllowed {
            // Whoever may be allowed it has to say who they are.
            throw Status.unauthorized()
        }
    }

    private func authorize(_ exchange: Exchange) throws(Status) {
        let attributes = Self.attributes(exchange)
        let decision = authorizer.decide(attributes)
        guard decision.isAllowed else { throw Status.forbidden(attributes, decision) }
    }

    private static func attributes(_ exchange: Exchange) -> AccessAttributes {
        let definition: ResourceDefinition
        let verb: Verb
        var target: AccessAttributes.Resource
        if let operation = exchange.operation {
            (definition, verb) = (operation.resource.definition, operation.verb)
            target = AccessAttributes.Resource(plural: definition.plural)
            (target.namespace, target.name) = (operation.namespace, operation.name)
            target.subresource = operation.subresource?.rawValue ?? ""
            // A selector that is malformed narrows nothing: whoever needs one to be allowed is refused.
            target.fields = exchange.query["fieldSelector"].flatMap { try? FieldSelector(parsing: $0) }
        } else if let operation = exchange.unstored {
            (definition, verb) = (operation.resource.definition, operation.verb)
            target = AccessAttributes.Resource(plural: definition.plural)
            (target.namespace, target.name) = (operation.namespace, operation.name)
        } else {
            return pathAttributes(exchange)
        }
        (target.group, target.version) = (definition.group, definition.version)
        // `exec`, `proxy` and their like are asked about by the method, as of any object.
        let word =
            verb == .connect ? SubresourceDefinition.verb(ofMethod: exchange.request.method) : verb.rawValue
        return AccessAttributes(user: exchange.user, verb: word, target: .resource(target))
    }

    private static func pathAttributes(_ exchange: Exchange) -> AccessAttributes {
        AccessAttributes(
            user: exchange.user, verb: exchange.request.method.lowercased(),
            target: .path("/" + exchange.info.segments.joined(separator: "/")))
    }

    /// Nothing says yet who may act as whom, so nobody may: to ignore the wish would give the request the sender's rights.
    private static func impersonationRefused(_ user: UserInfo) -> Status {
        Status(
            code: 403, reason: .forbidden,
            message: "users is forbidden: User \"\(user.name)\" cannot impersonate: this server has no impersonation, "
                + "send the request without Impersonate-* headers",
            details: Status.Details(kind: "users"))
    }

    private func route(_ exchange: inout Exchange) throws(Status) {
        guard case .resource(let path) = exchange.info.target else { return }
        if let resource = unstored.find(path) {
            exchange.unstored = try Self.unstoredOperation(resource, path, exchange.request.method)
            return
        }
        guard
            let resource = resources.find(group: path.group, version: path.version, plural: path.plural),
            path.namespace.isEmpty || resource.definition.namespaced
        else { throw Status.resourceNotFound() }
        var subresource: Subresource?
        if !path.subresource.isEmpty {
            guard let known = Subresource(path: path.subresource), resource.serves(known) else {
                throw Status.resourceNotFound()
            }
            subresource = known
        }
        guard !(resource.definition.namespaced && path.namespace.isEmpty && !path.name.isEmpty) else {
            throw Status.resourceNotFound()
        }
        if subresource == .proxy, resource.isProxied {
            guard Self.proxied.contains(exchange.request.method) else {
                throw Status.methodNotServed(resource.definition)
            }
            // The name stays undivided: so `resourceNames` of roles have it.
            exchange.operation = ResourceOperation(
                verb: .connect, resource: resource, namespace: path.namespace, name: path.name,
                subresource: subresource)
            return
        }
        if let subresource, let unimplemented = resource.unimplemented(subresource) {
            guard unimplemented.allows(exchange.request.method) else {
                throw Status.methodNotServed(resource.definition)
            }
            var name = path.name
            if subresource == .proxy {
                guard let target = ProxyTarget(path.name) else {
                    throw Status.badRequest(
                        "invalid \(resource.definition.kind.lowercased()) request \(goQuoted(name))")
                }
                name = target.name
            }
            exchange.operation = ResourceOperation(
                verb: .connect, resource: resource, namespace: path.namespace, name: name, subresource: subresource)
            return
        }
        let isWatch = path.isWatchPath || exchange.query.bool("watch")
        guard
            let verb = Self.verb(
                exchange.request.method, isCollection: path.name.isEmpty || subresource?.isPosted == true,
                isWatch: isWatch,
                isWatchPath: path.isWatchPath),
            Self.allows(verb, subresource, spansNamespaces: resource.definition.namespaced && path.namespace.isEmpty),
            verb != .deletecollection || resource.definition.allowsDeleteCollection
        else { throw Status.methodNotServed(resource.definition) }
        exchange.operation = ResourceOperation(
            verb: verb, resource: resource, namespace: path.namespace, name: path.name, subresource: subresource,
            isWatchPath: path.isWatchPath)
    }

    private static let proxied: Set<String> = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]

    private static func unstoredOperation(
        _ resource: ServedUnstoredResource, _ path: RequestInfo.ResourcePath, _ method: String
    ) throws(Status) -> UnstoredOperation {
        let definition = resource.definition
        let verbs = resource.resource.verbs
        let isCollection = path.name.isEmpty
        guard
            path.subresource.isEmpty, !path.isWatchPath, definition.namespaced == !path.namespace.isEmpty,
            isCollection ? verbs.contains(.create) || verbs.contains(.list) : verbs.contains(.get)
        else { throw Status.resourceNotFound() }
        guard let verb = verb(method, isCollection: isCollection, isWatch: false, isWatchPath: false),
            verbs.contains(verb)
        else { throw Status.methodNotServed(definition) }
        return UnstoredOperation(verb: verb, resource: resource, namespace: path.namespace, name: path.name)
    }

    private static func verb(_ method: String, isCollection: Bool, isWatch: Bool, isWatchPath: Bool) -> Verb? {
        switch (method, isCollection) {
        case ("GET", true): isWatch ? .watch : .list
        case ("GET", false): isWatchPath ? .watch : .get
        case ("POST", true): .create
        case ("PUT", false): .update
        case ("PATCH", false): .patch
        case ("DELETE", false): .delete
        case ("DELETE", true): .deletecollection
        default: nil
        }
    }

    private static func allows(_ verb: Verb, _ subresource: Subresource?, spansNamespaces: Bool) -> Bool {
        switch subresource {
        case .approval, .ephemeralcontainers, .scale, .status: verb == .get || verb == .update || verb == .patch
        case .finalize: verb == .update
        case .binding, .eviction: verb == .create
        case .attach, .exec, .log, .portforward, .proxy, .resize, .token: false
        case nil: !(spansNamespaces && (verb == .create || verb == .deletecollection))
        }
    }

    private func takeSlot(_ exchange: inout Exchange) throws(Status) {
        // What is forwarded has a limit of its own: it takes as long as others like.
        guard let verb = exchange.verb, verb != .watch, verb != .connect else { return }
        guard let place = limit.enter(verb.isMutating ? .write : .read, by: exchange.sender) else {
            throw Status.tooManyRequests()
        }
        exchange.place = place
        if verb.isMutating { exchange.warnings = WarningLog() }
    }

    /// `?pretty=true`, and programs that show their user what they get.
    private static func wantsLines(_ request: IncomingRequest, _ query: QueryItems) -> Bool {
        if let text = query["pretty"], !text.isEmpty {
            return ["1", "t", "T", "true", "TRUE", "True"].contains(text)
        }
        guard let agent = request.userAgent else { return false }
        return agent.hasPrefix("curl") || agent.hasPrefix("Wget") || agent.hasPrefix("Mozilla/5.0")
    }

    private func negotiate(_ exchange: inout Exchange) throws(Status) {
        let accept = exchange.request.accept
        if let operation = exchange.unstored {
            exchange.agreedShape = try ResponseShape(accept: accept, operation.resource.offer)
        }
        // What is connected to is not shown in any form, and its protocols are not this server's.
        if exchange.operation?.verb == .connect { return }
        if let reason = exchange.request.webSocketRefusal { throw Status.badRequest(reason) }
        guard let operation = exchange.operation else { return }
        exchange.agreedShape = try ResponseShape(accept: accept, operation.offer)
    }

    private func perform(_ exchange: Exchange) throws(Status) {
        if let operation = exchange.unstored {
            receiveBody(exchange) { exchange in
                UnstoredService.perform(exchange, operation) { self.answer(exchange, $0) }
            }
            return
        }
        guard let operation = exchange.operation else {
            answer(exchange, try documents.respond(exchange))
            return
        }
        switch operation.verb {
        case .get: answer(exchange, try reader.get(exchange, operation))
        case .list: try reader.list(exchange, operation) { self.answer(exchange, $0) }
        case .watch:
            try watcher.start(exchange, operation)
            metrics.record(exchange, status: 200)
        case .connect where operation.subresource == .proxy && operation.resource.isProxied:
            try proxy.check(exchange.request)
            receiveBody(exchange) { exchange in self.forward(exchange, operation) }
        case .connect:
            let definition = operation.resource.definition
            guard operation.resource.cache.get(namespace: operation.namespace, name: operation.name) != nil else {
                throw Status.notFound(definition.groupResource, operation.name)
            }
            throw Status.notImplemented(operation.subresource ?? .proxy, of: definition, operation.name)
        case .create, .update, .patch, .delete, .deletecollection:
            receiveBody(exchange) { exchange in
                guard Self.isLarge(exchange, operation) else { return self.write(exchange, operation) }
                var large = exchange
                large.goOn = self.turns(of: exchange)
                large.goOn? { [large] in self.write(large, operation) }
            }
        }
    }

    /// Where a large write goes on.
    private func turns(of exchange: Exchange) -> @Sendable (@escaping @Sendable () -> Void) -> Void {
        // Its place is given back by its own answer, if it comes to one.
        var abandoned = exchange
        abandoned.place = nil
        return { [self, abandoned] work in
            largeWrites.run(of: abandoned.sender) { hasBegun in
                let message = "the server is stopping"
                self.answer(abandoned, with: hasBegun ? .timeout(message) : .serviceUnavailable(message))
            } _: {
                work()
            }
        }
    }

    private func write(_ exchange: Exchange, _ operation: ResourceOperation) {
        writer.perform(exchange, operation) { self.answer(exchange, $0) }
    }

    /// A write of this many bytes takes some 20 milliseconds of a processor.
    static let largeWrite = 64 << 10
    /// The same for one that brings schemas and expressions, which are compiled.
    static let largeDefinition = 4 << 10

    /// The place of a request is free again when its answer has been taken. What is too large for the place becomes a 429, which
    /// needs none, as one that never had a place.
    private func keepPlace(_ place: InFlightLimit.Place, _ exchange: Exchange, _ response: inout OutgoingResponse) {
        let size = place.slot == .read ? response.size : 0
        guard limit.allows(size, in: place) else {
            response = OutgoingResponse(Status.tooManyRequests(), shape: exchange.shape)
            return limit.leave(place)
        }
        let held = limit.hold(size, in: place)
        response.onSent = { [limit] in limit.leave(place, held: held) }
    }

    /// The bytes of a JSON patch times those of the object, with short operations and members.
    static let largeProduct = 32 << 20
    /// What defaults may make of a write that is not large yet.
    static let largeAddition = 256 << 10

    /// Whether a write takes long: by what is sent, by what is there, which a small patch goes through as well, or by what
    /// defaults may add to it.
    private static func isLarge(_ exchange: Exchange, _ operation: ResourceOperation) -> Bool {
        let sent = exchange.request.body.count
        guard operation.verb == .create || operation.verb == .update || operation.verb == .patch else {
            return sent > largeWrite
        }
        var bytes = sent
        if !operation.name.isEmpty, operation.verb != .create {
            let present =
                operation.resource.cache.get(namespace: operation.namespace, name: operation.name)?.bytes.count ?? 0
            bytes = max(bytes, present)
            // Each operation of a JSON patch may go through all of it.
            if operation.verb == .patch, sent * present > largeProduct,
                DocumentReader.mediaType(exchange.request.contentType) == PatchFormat.json.rawValue
            {
                return true
            }
        }
        let isCompiled = ["admissionregistration.k8s.io", "apiextensions.k8s.io"].contains(
            operation.resource.definition.group)
        if bytes > (isCompiled ? largeDefinition : largeWrite) { return true }
        // The smallest value that gets any is an empty object, with a comma.
        return bytes / 3 * operation.resource.strategy.mostAddedByDefaults > largeAddition
    }

    private func forward(_ exchange: Exchange, _ operation: ResourceOperation) {
        do throws(Status) {
            try proxy.perform(exchange, operation) { [self] result, status in
                switch result {
                case .success(let response?): answer(exchange, response)
                case .success(nil): metrics.record(exchange, status: status)
                case .failure(let status): answer(exchange, with: status)
                }
            }
        } catch {
            answer(exchange, with: error)
        }
    }

    /// Goes on with the request when its body is there, or answers why it is not. Until then it has no place: whoever sends a
    /// byte a second would keep others from writing.
    private func receiveBody(_ exchange: Exchange, _ goOn: @escaping @Sendable (Exchange) -> Void) {
        guard exchange.request.awaitsBody else { return goOn(exchange) }
        var exchange = exchange
        let place = exchange.place
        exchange.place = nil
        if let place { limit.leave(place) }
        exchange.writer.readBody(of: exchange.sender) { [exchange] result in
            switch result {
            case .success(let body):
                var exchange = exchange
                exchange.request.body = body
                if let place {
                    exchange.place = self.limit.enter(place.slot, by: place.sender)
                    guard exchange.place != nil else { return self.answer(exchange, with: .tooManyRequests()) }
                }
                goOn(exchange)
            case .failure(let failure):
                self.answer(exchange, with: Status(failure, maxBodyBytes: self.maxBodyBytes))
            }
        }
    }

    private func answer(_ exchange: Exchange, _ result: Result<OutgoingResponse, Status>) {
        switch result {
        case .success(let response): answer(exchange, response)
        case .failure(let status): answer(exchange, with: status)
        }
    }

    private func answer(_ exchange: Exchange, with status: Status) {
        // Before a form is agreed on, what the client would take of a Status counts.
        let shape = exchange.agreedShape ?? ResponseShape.ofStatus(accept: exchange.request.accept)
        answer(exchange, OutgoingResponse(status, shape: shape))
    }

    private func answer(_ exchange: Exchange, _ response: OutgoingResponse) {
        var response = response
        if let place = exchange.place { keepPlace(place, exchange, &response) }
        metrics.record(exchange, status: response.status)
        response.isOpenAPI = exchange.info.segments.first == "openapi"
        for warning in exchange.warnings?.headers ?? [] { response.headers.append(("Warning", warning)) }
        if let warning = exchange.deprecationWarning {
            response.headers.append(("Warning", WarningLog.header(warning)))
        }
        if exchange.isPretty, response.contentType == "application/json" {
            response.body = [JSONIndentation.indented(response.body)]
        }
        exchange.writer.send(response)
    }
}

extension Status {
    /// A method that a path does not have.
    static func methodNotServed(_ definition: ResourceDefinition? = nil) -> Status {
        Status(
            code: 405, reason: .methodNotAllowed,
            message: "the server does not allow this method on the requested resource",
            details: definition.map { Details(group: $0.group, kind: $0.plural) })
    }
}
