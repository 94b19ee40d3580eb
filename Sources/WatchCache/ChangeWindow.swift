import Store

/// The latest changes of one resource, in order: what a watcher that comes back after a while, or a list of a moment
/// just past, is served from without the disk.
package struct ChangeWindow: Sendable {
    package struct Limits: Sendable {
        package var events = 4096
        /// Bytes of the states before and after each change.
        package var bytes = 8 << 20
        /// Seconds.
        package var age: Int64 = 300

        package init() {}
    }

    private let limits: Limits
    private var events: [ChangeEvent] = []
    private var first = 0
    private var byteCount = 0
    /// Every change after this revision is here.
    private(set) var floor: Revision

    init(after floor: Revision, limits: Limits) {
        self.floor = floor
        self.limits = limits
    }

    var count: Int { events.count - first }

    mutating func append(_ event: ChangeEvent) {
        events.append(event)
        byteCount += event.byteCount
        while count > limits.events || byteCount > limits.bytes, count > 1 { dropFirst() }
    }

    /// Forgets what is too old to be asked for.
    mutating func trim(now: Int64) {
        while first < events.count, events[first].time + limits.age < now { dropFirst() }
        if events.count == first {
            events = []
            first = 0
        }
    }

    /// The changes after `revision`, which must not be before `floor`.
    func changes(after revision: Revision) -> [ChangeEvent] {
        var low = first
        var high = events.count
        while low < high {
            let middle = (low + high) / 2
            if events[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return Array(events[low...])
    }

    private mutating func dropFirst() {
        floor = events[first].revision
        byteCount -= events[first].byteCount
        first += 1
        if first > 256, first > events.count / 2 {
            events.removeFirst(first)
            first = 0
        }
    }
}
