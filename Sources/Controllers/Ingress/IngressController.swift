import KubeClient
import KubeModel
import Logging
import NetworkTypes
import Synchronization
import TrafficModel

/// Compiles the Ingresses of one controller name into RouteTables of the same name, and fills their status.
///
/// Hand-over: the new owner of an Ingress overwrites its table; the old one first clears the status, then deletes the
/// table, both only while the table is still its own and unchanged.
final class IngressController: Controller {
    let name: String
    private let client: APIClient
    private let ingresses: Informer<Ingress>
    private let classes: Informer<IngressClass>
    private let tables: Informer<RouteTable>
    private let services: Informer<Service>
    private let secrets: Informer<Secret>
    private let recorder: EventRecorder
    private let configuration: IngressControllerConfiguration
    private let claim: IngressClaim
    private let logger: Logger
    // The mutex protects the problems that were last told about, so that each is told once.
    private let told = Mutex<[NamespacedName: Set<IngressProblem>]>([:])

    /// Since when canaries stand beside nothing, as far as is known: who applies a canary together with its main Ingress, in
    /// whatever order, is not to be told that it has none.
    private let lonely = Mutex<[NamespacedName: ContinuousClock.Instant]>([:])

    /// How long it may take until the main Ingress of a canary is known.
    private static let patience = Duration.seconds(2)
    private static let byService = "service"
    private static let bySecret = "secret"
    private static let byClaim = "claim"
    private static let byHost = "host"
    private static let byAlias = "alias"

    init(_ context: ControllerContext, _ configuration: IngressControllerConfiguration) {
        name = "ingress-controller-\(configuration.controllerName)"
        client = context.client
        ingresses = context.informers.informer(indexes: [
            Self.byService: { ingress in
                Self.serviceNames(ingress).map { Self.path(ingress, $0) } + Self.askedServices(ingress)
            },
            Self.bySecret: { ingress in
                Self.secretNames(ingress).map { Self.path(ingress, $0) }
            },
        ])
        classes = context.informers.informer()
        tables = context.informers.informer(indexes: [
            Self.byClaim: { table in Set(RouteClaim.all(of: table)).map(\.indexValue) },
            Self.byHost: { table in Array(Set((table.spec?.rules ?? []).map { $0.host ?? "" })) },
            Self.byAlias: { table in Self.otherNames(of: table) },
        ])
        services = context.informers.informer()
        secrets = context.informers.informer(prune: { SecretVerdict.reduce(&$0) })
        recorder = context.recorder
        logger = context.logger
        self.configuration = configuration
        claim = IngressClaim(configuration: configuration)
    }

    func run() async throws {
        let queue = WorkQueue<NamespacedName>()
        var scope = HandlerScope()
        scope.add(ingresses.addHandler { queue.add($0.key) })
        scope.add(
            tables.addHandler { [self] change in
                if case .updated(let old, let new) = change {
                    if old.spec == new.spec, old.metadata.ownerReferences == new.metadata.ownerReferences { return }
                    addRivals(of: old, to: queue)
                }
                queue.add(change.key)
                addRivals(of: change.object, to: queue)
            })
        scope.add(
            classes.addHandler { [self] _ in
                for key in ingresses.store.keys { queue.add(key) }
            })
        scope.add(
            services.addHandler { [self] change in
                if change.key == configuration.publishService {
                    for key in ingresses.store.keys { queue.add(key) }
                }
                if case .updated(let old, let new) = change, old.spec == new.spec { return }
                for ingress in ingresses.store.objects(index: Self.byService, "\(change.key)") {
                    queue.add(NamespacedName(ingress.metadata))
                }
            })
        scope.add(
            secrets.addHandler { [self] change in
                if case .updated(let old, let new) = change, old.data == new.data { return }
                for ingress in ingresses.store.objects(index: Self.bySecret, "\(change.key)") {
                    queue.add(NamespacedName(ingress.metadata))
                }
            })
        try await ControllerLoop(name: name, queue: queue, workers: 2, logger: logger) { [self] key in
            try await reconcile(key)
        }.run(after: [ingresses, classes, tables, services, secrets])
        _ = consume scope
    }

    // MARK: Reconciliation

    func reconcile(_ key: NamespacedName) async throws -> ReconcileOutcome {
        let known = Array(classes.store.snapshot().values)
        guard let ingress = ingresses.store[key], ingress.metadata.deletionTimestamp == nil,
            claim.isOurs(ingress, classes: known)
        else {
            told.withLock { $0[key] = nil }
            lonely.withLock { $0[key] = nil }
            try await release(key)
            return .settled
        }
        let compiler = IngressCompiler(
            controllerName: configuration.controllerName,
            service: { [services] name in services.store.get(name, namespace: key.namespace) },
            secretProblem: { [secrets] name in
                guard let secret = secrets.store.get(name, namespace: key.namespace) else { return "it does not exist" }
                return SecretVerdict.read(secret)
            },
            namedSecretProblem: { [secrets] name, use in
                guard let secret = secrets.store.get(name, namespace: key.namespace) else { return "it does not exist" }
                return SecretVerdict.read(secret, for: use)
            },
            namedSecretRemark: { [secrets] name, use in
                secrets.store.get(name, namespace: key.namespace).flatMap { SecretVerdict.remark($0, for: use) }
            },
            winner: { [self] claim in winner(of: claim, against: ingress) },
            main: { [self] claim in main(of: claim, but: key) },
            patterns: { [self] host in patternSource(of: host, but: key) },
            rivals: hostRivals(of: ingress), anyService: { [services] name in services.store[name] })
        let compiled = compiler.compile(ingress, className: IngressClaim.className(of: ingress, classes: known))
        let mayFindCompany = mayFindCompany(key, compiled.problems)
        do {
            let table = try await write(compiled.table)
            tell(
                mayFindCompany
                    ? compiled.problems.filter { $0.reason != IngressProblem.canaryNotServed } : compiled.problems,
                about: ingress)
            try await accept(table, compiled.problems)
        } catch let status as Status where status.isNamespaceTerminating {
            return .settled
        } catch let status as Status where status.code == 422 {
            tell([IngressProblem(reason: "RouteTableRejected", message: status.message ?? "\(status)")], about: ingress)
            throw status
        }
        try await publish(wantedAddresses(), on: ingress)
        return mayFindCompany ? .again(after: Self.patience) : .settled
    }

    /// Whether it is too early to say of a canary that it stands beside nothing.
    private func mayFindCompany(_ key: NamespacedName, _ problems: [IngressProblem]) -> Bool {
        let now = ContinuousClock.now
        return lonely.withLock { lonely in
            guard problems.contains(where: { $0.reason == IngressProblem.canaryNotServed }) else {
                lonely[key] = nil
                return false
            }
            let since = lonely[key] ?? now
            lonely[key] = since
            return now - since < Self.patience
        }
    }

    private func write(_ wanted: RouteTable) async throws -> RouteTable {
        guard var present = tables.store[NamespacedName(wanted.metadata)] else {
            let written = try await client.create(wanted)
            tables.absorb(written)
            return written
        }
        if present.spec == wanted.spec, present.metadata.ownerReferences == wanted.metadata.ownerReferences {
            return present
        }
        present.spec = wanted.spec
        present.metadata.ownerReferences = wanted.metadata.ownerReferences
        do {
            let written = try await client.update(present)
            tables.absorb(written)
            return written
        } catch let status as Status where status.isNotFound {
            tables.absorbDeletion(of: NamespacedName(present.metadata), uid: present.metadata.uid)
            throw status
        }
    }

    /// Writes the conditions of this controller, and keeps the data plane's as they are.
    private func accept(_ table: RouteTable, _ problems: [IngressProblem]) async throws {
        let old = table.status?.conditions ?? []
        let conditions = RouteTableConditions(problems).merged(
            into: old, generation: table.metadata.generation, now: WallClock.timestamp)
        guard conditions != old else { return }
        let patch: JSONValue = [
            "metadata": ["resourceVersion": .string(table.metadata.resourceVersion ?? "")],
            "status": ["conditions": try ObjectEncoder.encode(conditions)],
        ]
        let written = try await client.patch(
            RouteTable.self, table.metadata.name ?? "", namespace: table.metadata.namespace, .merge(patch),
            subresource: "status")
        tables.absorb(written)
    }

    private func wantedAddresses() -> [LoadBalancerIngress] {
        if let service = configuration.publishService {
            return PublishedAddresses.entries(of: services.store[service])
        }
        return PublishedAddresses.entries(configuration.publishAddresses)
    }

    private func publish(_ addresses: [LoadBalancerIngress], on ingress: Ingress) async throws {
        guard (ingress.status?.loadBalancer?.ingress ?? []) != addresses else { return }
        let patch: JSONValue = [
            "metadata": ["resourceVersion": .string(ingress.metadata.resourceVersion ?? "")],
            "status": [
                "loadBalancer": [
                    "ingress": addresses.isEmpty ? .null : try ObjectEncoder.encode(addresses)
                ]
            ],
        ]
        let written = try await client.patch(
            Ingress.self, ingress.metadata.name ?? "", namespace: ingress.metadata.namespace, .merge(patch),
            subresource: "status")
        ingresses.absorb(written)
    }

    /// Gives up an Ingress that is gone or somebody else's, if its table is ours.
    private func release(_ key: NamespacedName) async throws {
        guard let known = tables.store[key], known.spec?.controllerName == configuration.controllerName else { return }
        let table: RouteTable
        do {
            // The cache may not have heard of a new owner yet.
            table = try await client.get(RouteTable.self, key.name, namespace: key.namespace)
        } catch let status as Status where status.isNotFound {
            return tables.absorbDeletion(of: key, uid: known.metadata.uid)
        }
        tables.absorb(table)
        guard table.spec?.controllerName == configuration.controllerName else { return }
        if let ingress = ingresses.store[key], ingress.metadata.deletionTimestamp == nil {
            do {
                try await publish([], on: ingress)
            } catch let status as Status where status.isNotFound {
                // The Ingress is gone, and its status with it.
            }
        }
        do {
            try await client.delete(
                RouteTable.self, key.name, namespace: key.namespace,
                options: DeleteOptions(uid: table.metadata.uid, resourceVersion: table.metadata.resourceVersion))
        } catch let status as Status where status.isNotFound {
            // Somebody was faster.
        }
        tables.absorbDeletion(of: key, uid: table.metadata.uid)
    }

    // MARK: Conflicts and Events

    private func winner(of claim: RouteClaim, against ingress: Ingress) -> NamespacedName? {
        let ours = RoutePrecedence(
            created: ingress.metadata.creationTimestamp, key: NamespacedName(ingress.metadata))
        // Canaries vie with those of their own namespace and controller alone, and with nobody else.
        let isCanary = CanaryAnnotations(ingress.metadata.annotations ?? [:]).canary != nil
        return tables.store.objects(index: Self.byClaim, claim.indexValue)
            .filter { table in
                guard isCanary else { return table.spec?.canary == nil }
                return table.spec?.canary != nil && table.spec?.controllerName == configuration.controllerName
                    && table.metadata.namespace == ingress.metadata.namespace
            }
            .map { RoutePrecedence($0) }.filter { $0.key != ours.key && $0 < ours }.min()?.key
    }

    /// Who serves a claim, of all namespaces and controllers.
    private func main(of claim: RouteClaim, but own: NamespacedName) -> (table: RouteTable, path: RoutePath)? {
        let table = tables.store.objects(index: Self.byClaim, claim.indexValue)
            .filter { $0.spec?.canary == nil && NamespacedName($0.metadata) != own }
            .min { RoutePrecedence($0) < RoutePrecedence($1) }
        guard let table else { return nil }
        for rule in table.spec?.rules ?? [] {
            for path in rule.paths ?? [] where RouteClaim(host: rule.host, path: path) == claim { return (table, path) }
        }
        return nil
    }

    /// The first table of this controller that makes the paths of a host regular expressions.
    private func patternSource(of host: String, but own: NamespacedName) -> NamespacedName? {
        tables.store.objects(index: Self.byHost, host)
            .filter { table in
                guard let spec = table.spec, spec.canary == nil, spec.controllerName == configuration.controllerName
                else { return false }
                return NamespacedName(table.metadata) != own
                    && (spec.rules ?? []).contains { ($0.host ?? "") == host && spec.hasPatterns($0) }
            }
            .map { RoutePrecedence($0) }.min()?.key
    }

    /// Names that a table has for its hosts beside those of its rules, or of whom it asks, and that others may have as well.
    private static func otherNames(of table: RouteTable) -> [String] {
        // What cannot be read closes the routes.
        let url = (table.spec?.filters?.externalAuthentication?.url).flatMap { try? AuthenticationURL($0) }
        var asked: [String] = []
        if case .named(let name)? = url?.host { asked = [name] }
        guard let settings = table.spec?.hostSettings else { return asked }
        let hosts = (table.spec?.rules ?? []).map { $0.host ?? "" }
        let counterparts =
            settings.redirectsWWW == true ? hosts.compactMap { RouteHostSettings.counterpart(of: $0) } : []
        return Array(Set((settings.aliases ?? []) + counterparts + asked))
    }

    private func hostRivals(of ingress: Ingress) -> IngressCompiler.HostRivals {
        let ours = RoutePrecedence(
            created: ingress.metadata.creationTimestamp, key: NamespacedName(ingress.metadata))
        func first(
            _ index: String, _ name: String, isOlder: Bool, where isMeant: (RouteTableSpec) -> Bool
        ) -> NamespacedName? {
            tables.store.objects(index: index, name)
                .filter { $0.spec?.canary == nil && $0.spec.map(isMeant) ?? false }
                .map { RoutePrecedence($0) }.filter { $0.key != ours.key && (!isOlder || $0 < ours) }.min()?.key
        }
        return IngressCompiler.HostRivals(
            host: { first(Self.byHost, $0, isOlder: false) { _ in true } },
            alias: { name in
                first(Self.byAlias, name, isOlder: true) { $0.hostSettings?.aliases?.contains(name) ?? false }
            },
            appRoot: { host, path in
                first(Self.byHost, host, isOlder: true) { spec in
                    spec.hostSettings?.appRoot.map { $0 != path } ?? false
                }
            })
    }

    /// Tables that say something of hosts which a table speaks of, too.
    private func addRivals(ofHostsOf table: RouteTable, to queue: WorkQueue<NamespacedName>) {
        let key = NamespacedName(table.metadata)
        let hosts = Set((table.spec?.rules ?? []).map { $0.host ?? "" })
        var others = hosts.union(Self.otherNames(of: table)).flatMap { tables.store.objects(index: Self.byAlias, $0) }
        if table.spec?.hostSettings?.appRoot != nil {
            others += hosts.flatMap { tables.store.objects(index: Self.byHost, $0) }
                .filter { $0.spec?.hostSettings?.appRoot != nil }
        }
        let ours = others.filter { $0.spec?.controllerName == configuration.controllerName }
        for other in Set(ours.map { NamespacedName($0.metadata) }) where other != key { queue.add(other) }
    }

    private func addRivals(of table: RouteTable, to queue: WorkQueue<NamespacedName>) {
        let key = NamespacedName(table.metadata)
        addRivals(ofHostsOf: table, to: queue)
        if let spec = table.spec {
            for rule in spec.rules ?? [] where spec.hasPatterns(rule) {
                for other in tables.store.objects(index: Self.byHost, rule.host ?? "") {
                    let otherKey = NamespacedName(other.metadata)
                    if otherKey != key, other.spec?.controllerName == configuration.controllerName {
                        queue.add(otherKey)
                    }
                }
            }
        }
        for claim in Set(RouteClaim.all(of: table)) {
            for rival in tables.store.objects(index: Self.byClaim, claim.indexValue) {
                let rivalKey = NamespacedName(rival.metadata)
                if rivalKey != key, rival.spec?.controllerName == configuration.controllerName { queue.add(rivalKey) }
            }
        }
    }

    private func tell(_ problems: [IngressProblem], about ingress: Ingress) {
        let key = NamespacedName(ingress.metadata)
        let new = told.withLock { told in
            let before = told[key] ?? []
            told[key] = problems.isEmpty ? nil : Set(problems)
            return problems.filter { !before.contains($0) }
        }
        for problem in new {
            recorder.record(.warning, about: ingress, reason: problem.reason, message: problem.message)
        }
    }

    private static func serviceNames(_ ingress: Ingress) -> [String] {
        var names = Set(
            (ingress.spec?.rules ?? []).flatMap { rule in
                (rule.http?.paths ?? []).compactMap { $0.backend.service?.name }
            })
        if let name = ingress.spec?.defaultBackend?.service?.name { names.insert(name) }
        return Array(names)
    }

    /// The Service that is asked about requests, if there is one.
    private static func askedServices(_ ingress: Ingress) -> [String] {
        let annotations = ExternalAuthenticationAnnotations(ingress.metadata.annotations ?? [:])
        // What cannot be read closes the routes.
        guard let text = annotations.policy?.url, let url = try? AuthenticationURL(text) else { return [] }
        return url.service.map { ["\($0)"] } ?? []
    }

    private static func secretNames(_ ingress: Ingress) -> Set<String> {
        var names = Set((ingress.spec?.tls ?? []).compactMap(\.secretName))
        let annotations = IngressAnnotations(
            ingress.metadata.annotations ?? [:], namespace: ingress.metadata.namespace ?? "")
        if let name = annotations.backendTLS.tls?.secretName { names.insert(name) }
        if let name = annotations.clientCertificates.policy?.secretName { names.insert(name) }
        if let name = annotations.filters.filters?.basicAuthentication?.secretName { names.insert(name) }
        return names
    }

    private static func path(_ ingress: Ingress, _ name: String) -> String {
        "\(NamespacedName(namespace: ingress.metadata.namespace ?? "", name: name))"
    }
}
