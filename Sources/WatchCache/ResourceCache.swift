package import KubeModel
package import Store
import Synchronization
import System

/// Every object of one resource in memory, with its recent changes and its watches. All reads are answered here.
///
/// The store's writer thread applies each commit before it answers the writes, so a read that begins after a write was
/// answered sees it: reads are linearizable without asking the store.
package final class ResourceCache: Sendable {
    package struct Configuration: Sendable {
        /// `/registry/GROUP/PLURAL/`.
        package var prefix: String
        package var definition: ResourceDefinition
        /// `nil`: the kind has no field selectors of its own.
        package var selectableFields: CachedObject.SelectableFields?
        /// Brings what an earlier server, or an earlier definition of the kind, stored into the shape that is served now.
        package var normalize: (@Sendable ([UInt8]) -> NormalizedObject)?
        package var window = ChangeWindow.Limits()
        /// Seconds.
        package var bookmarkInterval: Int64 = 60

        package init(
            prefix: String, definition: ResourceDefinition, selectableFields: CachedObject.SelectableFields? = nil,
            normalize: (@Sendable ([UInt8]) -> NormalizedObject)? = nil,
            window: ChangeWindow.Limits = ChangeWindow.Limits(),
            bookmarkInterval: Int64 = 60
        ) {
            self.prefix = prefix
            self.definition = definition
            self.selectableFields = selectableFields
            self.normalize = normalize
            self.window = window
            self.bookmarkInterval = bookmarkInterval
        }
    }

    struct State: Sendable {
        package var index = ObjectIndex()
        package var labels = LabelIndex()
        package var window: ChangeWindow
        /// The last change applied, or the revision loaded.
        package var applied: Revision
        /// Set while loading: changes wait here.
        package var early: [StoreEvent]?
        package var registry = WatchRegistry()
        /// Changes that the live thread has not shown to the watches.
        var undispatched: [ChangeEvent] = []
        /// Watches that have become live with something to be told first.
        var arrivals: [WatchSubscription] = []
        package var isClosed = false
    }

    package let configuration: Configuration
    let store: any Store
    let dispatcher: WatchDispatcher
    let state: Mutex<State>
    /// What the live thread keeps from one round to the next.
    let live = Mutex(LiveRound())
    let needsDispatch = Atomic<Bool>(false)
    let bookmarksRequested = Atomic<Bool>(false)
    private let prefixLength: Int
    private let observation = Mutex<Observation?>(nil)

    /// Loads the resource from the store and follows it from then on. Blocks on disk.
    package init(_ configuration: Configuration, store: any Store, dispatcher: WatchDispatcher) throws(StoreError) {
        self.configuration = configuration
        self.store = store
        self.dispatcher = dispatcher
        prefixLength = configuration.prefix.utf8.count
        state = Mutex(
            State(window: ChangeWindow(after: .zero, limits: configuration.window), applied: .zero, early: []))
        let observation = store.observe(prefix: configuration.prefix) { [weak self] in self?.apply($0) }
        self.observation.withLock { $0 = observation }
        try load()
        dispatcher.add(self)
    }

    deinit {
        observation.withLock { $0 }?.cancel()
    }

    /// Stops following the store and ends every watch, which has heard of every change until now unless it is slow.
    package func close() {
        observation.withLock { $0 }?.cancel()
        showWhatIsLeft()
        let watches = state.withLock { state in
            state.isClosed = true
            return state.registry.all
        }
        for watch in watches { watch.end(.shutdown) }
        dispatcher.remove(self)
    }

    /// The newest revision that the cache is known to show: of the whole store, not of this resource only.
    package var revision: Revision {
        // In this order: whatever the store has announced, this cache has applied.
        let announced = store.currentRevision
        return max(announced, state.withLock { $0.applied })
    }

    package var count: Int { state.withLock { $0.index.count } }

    /// Live watches.
    package var watchCount: Int { state.withLock { $0.registry.count } }

    private func load() throws(StoreError) {
        while true {
            do throws(StoreError) {
                try loadOnce()
                return
            } catch {
                // A compaction overtook the pages; what is current is there to be read again.
                if case .compacted = error.code { continue }
                throw error
            }
        }
    }

    private func loadOnce() throws(StoreError) {
        var index = ObjectIndex()
        var page = try store.list(prefix: configuration.prefix, after: nil, limit: 1000, at: nil)
        let revision = page.revision
        while true {
            for item in page.items {
                index.insert(object(item))
            }
            guard page.isTruncated, let last = page.items.last else { break }
            page = try store.list(prefix: configuration.prefix, after: last.key, limit: 1000, at: revision)
        }
        let loaded = index
        state.withLock { state in
            state.index = loaded
            state.labels = LabelIndex()
            state.applied = revision
            state.window = ChangeWindow(after: revision, limits: configuration.window)
            let early = state.early ?? []
            state.early = nil
            for event in early where event.revision > revision { commit(event, stored(event), to: &state) }
        }
    }

    /// On the store's writer thread.
    private func apply(_ events: [StoreEvent]) {
        // The bytes are read before the lock is taken.
        let objects = events.map(stored)
        let isWatched = state.withLock { state in
            if state.early != nil {
                state.early?.append(contentsOf: events)
                return false
            }
            for (event, object) in zip(events, objects) { commit(event, object, to: &state) }
            return !state.undispatched.isEmpty
        }
        if isWatched { wakeDispatcher() }
    }

    func wakeDispatcher() {
        // Until the live thread has looked, it needs no second call.
        if !needsDispatch.exchange(true, ordering: .acquiringAndReleasing) { dispatcher.wake() }
    }

    private func commit(_ event: StoreEvent, _ object: CachedObject, to state: inout State) {
        let isDeletion = event.kind == .deleted
        let previous = isDeletion ? state.index.remove(object.relativeKey) : state.index.insert(object)
        if !state.labels.isEmpty { state.labels.replace(previous, with: isDeletion ? nil : object) }
        // What can no longer be read on disk may still be here.
        let object = isDeletion && object.isDamaged ? previous?.restamped(event.revision) ?? object : object
        let change = ChangeEvent(
            object: object, previous: previous, isDeletion: isDeletion, time: MonotonicClock.seconds)
        state.window.append(change)
        state.applied = event.revision
        if !state.registry.isEmpty { state.undispatched.append(change) }
    }

    private func stored(_ event: StoreEvent) -> CachedObject {
        object(event.key, event.value, event.revision, event.createRevision, isIntact: event.isIntact)
    }

    /// What the store has, in the shape that is served now.
    func object(_ stored: StoredValue) -> CachedObject {
        let value = stored.isIntact ? normalized(stored.value) : NormalizedObject([])
        return object(
            stored.key, value.bytes, stored.modRevision, stored.createRevision, isIntact: stored.isIntact,
            lacksDefaults: value.lacksDefaults)
    }

    /// A stored value as it is served now.
    func normalized(_ value: [UInt8]) -> NormalizedObject {
        configuration.normalize?(value) ?? NormalizedObject(value)
    }

    func object(
        _ key: String, _ value: [UInt8], _ revision: Revision, _ createRevision: Revision, isIntact: Bool = true,
        lacksDefaults: Bool = false
    ) -> CachedObject {
        let relativeKey = String(Substring(key.utf8.dropFirst(prefixLength)))
        if isIntact {
            let object = CachedObject(
                relativeKey: relativeKey, stored: value, revision: revision, createRevision: createRevision,
                lacksDefaults: lacksDefaults)
            if object.hasMetadata { return object }
        }
        return CachedObject(
            relativeKey: relativeKey, stored: configuration.definition.nameplate(relativeKey), revision: revision,
            createRevision: createRevision, isDamaged: true)
    }

    func filter(_ labels: Selector?, _ fields: FieldSelector?) -> ObjectFilter {
        ObjectFilter(labels: labels, fields: fields, selectable: configuration.selectableFields)
    }
}
