/// The bookkeeping of a work queue: which keys wait, which are worked on, which changed meanwhile.
///
/// Invariants, as in client-go's `util/workqueue`:
/// - a key in `order` is in `dirty`;
/// - a key in `dirty` but not in `processing` is in `order`, exactly once;
/// - a key in `processing` is with a worker, and goes back to `order` when it is done while in `dirty`.
///
/// So a key is never with two workers, and a change during its work is never lost.
struct WorkQueueState<Key: Hashable & Sendable>: Sendable {
    private var order: [Key] = []
    private var head = 0
    private var dirty: Set<Key> = []
    private var processing: Set<Key> = []
    private(set) var isShutDown = false

    /// Keys that wait for a worker.
    var count: Int { order.count - head }

    /// Notes that a key needs work. Returns whether it became available to a worker.
    mutating func add(_ key: Key) -> Bool {
        guard !isShutDown, dirty.insert(key).inserted, !processing.contains(key) else { return false }
        order.append(key)
        return true
    }

    /// Hands out the oldest key; nil when none waits.
    mutating func next() -> Key? {
        guard head < order.count else { return nil }
        let key = order[head]
        head += 1
        if head == order.count {
            order.removeAll(keepingCapacity: head <= 1024)
            head = 0
        } else if head > 1024, head * 2 > order.count {
            order.removeFirst(head)
            head = 0
        }
        processing.insert(key)
        dirty.remove(key)
        return key
    }

    /// Takes a key back. Returns whether it became available again because it changed meanwhile.
    mutating func done(_ key: Key) -> Bool {
        guard processing.remove(key) != nil, dirty.contains(key) else { return false }
        order.append(key)
        return true
    }

    /// No key is added or handed out any more.
    mutating func shutDown() {
        isShutDown = true
        order = []
        head = 0
        dirty = []
    }
}
