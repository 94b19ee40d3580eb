import KubeClient
import KubeModel
import Logging
import NetworkTypes

/// Says in an object for each Service that this node announces it, and takes that back; of no other node's. Says it again when
/// somebody has removed the object, as happens to those of a node that was not heard from for a while.
actor AnnouncementStatusWriter<Object: AnnouncementStatus> {
    /// One object as it should be.
    typealias Wanted = AnnouncementStatusContent

    /// Requests under way at a time.
    private let width = 8
    private let retryPause = Duration.seconds(5)

    private let node: String
    private let client: APIClient
    private let logger: Logger
    private let changed = ChangeSignal()
    private var wanted: [NamespacedName: Wanted] = [:]
    /// As they are in the API, by their own name; nil for what nobody knows of.
    private var written: [NamespacedName: Wanted?] = [:]

    init(node: String, client: APIClient, logger: Logger) {
        self.node = node
        self.client = client
        self.logger = logger
    }

    func set(_ contents: [Wanted]) {
        wanted = Dictionary(
            contents.map { content in
                let name = Self.name(of: content.service, on: node)
                return (NamespacedName(namespace: content.namespace, name: name), content)
            }, uniquingKeysWith: { first, _ in first })
        changed.raise()
    }

    /// The same for a node and a Service at all times, so that nothing is left behind under another name.
    static func name(of service: NamespacedName, on node: String) -> String {
        // FNV-1a; a slash is in none of the names.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "\(node)/\(service.namespace)/\(service.name)".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        let digits = String(hash, radix: 16)
        return Object.namePrefix + String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: Running

    /// Runs until cancelled; then takes back what it said, for as long as `grace` lasts.
    func run(grace: Duration) async {
        let own = Informer<Object>(
            client: client, labelSelector: "\(AnnouncementLabel.node)=\(node)", logger: logger)
        // In order: handlers are called one at a time, and the stream keeps their order.
        let (found, continuation) = AsyncStream.makeStream(of: InformerChange<Object>.self)
        own.addHandler { continuation.yield($0) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [logger] in
                do {
                    try await own.run()
                } catch {
                    // Ends only by cancellation.
                    logger.debug("\(Object.definition.kind): \(error)")
                }
            }
            group.addTask { for await change in found { await self.take(change) } }
            changed.raise()
            for await _ in changed.changes {
                if Task.isCancelled { break }
                if await !reconcile() {
                    Task { [changed, retryPause] in
                        try? await Task.sleep(for: retryPause)
                        changed.raise()
                    }
                }
            }
            group.cancelAll()
        }
        wanted = [:]
        // A task of its own: this one is cancelled by now.
        let work = Task { await reconcile() }
        let timer = Task {
            try? await Task.sleep(for: grace)
            work.cancel()
        }
        _ = await work.value
        timer.cancel()
    }

    /// What an earlier process of this node said is known by this too.
    private func take(_ change: InformerChange<Object>) {
        if case .deleted = change {
            written[change.key] = nil
        } else if written[change.key] == nil {
            written[change.key] = .some(nil)
        } else {
            return
        }
        changed.raise()
    }

    /// Returns whether all is as it should be.
    private func reconcile() async -> Bool {
        let wanted = wanted
        let gone = written.keys.filter { wanted[$0] == nil }
        let new = wanted.filter { written[$0.key] != .some($0.value) }
        var isDone = true
        await withTaskGroup(of: Bool.self) { group in
            var works: ArraySlice<(NamespacedName, Wanted?)> = []
            for name in gone { works.append((name, nil)) }
            for (name, status) in new { works.append((name, status)) }
            var underWay = 0
            while true {
                while underWay < self.width, !Task.isCancelled, let (name, status) = works.popFirst() {
                    underWay += 1
                    group.addTask {
                        if let status { return await self.write(name, status) }
                        return await self.remove(name)
                    }
                }
                guard let isWritten = await group.next() else { break }
                underWay -= 1
                isDone = isDone && isWritten
            }
        }
        return isDone
    }

    private func write(_ name: NamespacedName, _ wanted: Wanted) async -> Bool {
        do {
            var object: Object
            do {
                object = try await client.create(
                    Object(
                        metadata: ObjectMeta(
                            name: name.name, namespace: name.namespace,
                            labels: [
                                AnnouncementLabel.node: node, AnnouncementLabel.service: wanted.service.name,
                                AnnouncementLabel.serviceNamespace: wanted.service.namespace,
                            ])))
            } catch let status as Status where status.isAlreadyExists {
                object = try await client.get(Object.self, name.name, namespace: name.namespace)
            }
            object.say(wanted, of: node)
            // Even if this fails there is something to be taken back.
            written[name] = .some(nil)
            _ = try await client.updateStatus(object)
            written[name] = wanted
            return true
        } catch {
            logger.debug("\(Object.definition.kind) \(name): \(error)")
            return false
        }
    }

    private func remove(_ name: NamespacedName) async -> Bool {
        do {
            try await client.delete(Object.self, name.name, namespace: name.namespace)
        } catch let status as Status where status.isNotFound {
            // As it should be.
        } catch {
            logger.debug("\(Object.definition.kind) \(name): \(error)")
            return false
        }
        written[name] = nil
        return true
    }
}
