/// A binary min-heap of timers by deadline, equal deadlines in order of insertion. Cancelled timers leave when they
/// reach the top, or all at once when they are the majority.
struct TimerHeap {
    private struct Entry {
        var deadline: MonotonicTime
        var sequence: UInt64
        var timer: LoopTimer

        func precedes(_ other: Entry) -> Bool {
            deadline == other.deadline ? sequence < other.sequence : deadline < other.deadline
        }
    }

    private var entries: [Entry] = []
    private var nextSequence: UInt64 = 0
    private var insertionsUntilSweep = 256

    var count: Int { entries.count }

    mutating func insert(_ timer: LoopTimer) {
        insertionsUntilSweep -= 1
        if insertionsUntilSweep == 0 { sweepCancelled() }
        entries.append(Entry(deadline: timer.deadline, sequence: nextSequence, timer: timer))
        nextSequence += 1
        siftUp(entries.count - 1)
    }

    /// The earliest deadline of a timer that is still wanted.
    mutating func nextDeadline() -> MonotonicTime? {
        while let first = entries.first {
            if !first.timer.isCancelled { return first.deadline }
            removeFirst()
        }
        return nil
    }

    /// Removes and returns the earliest timer whose deadline is at or before `now`.
    mutating func popDue(at now: MonotonicTime) -> LoopTimer? {
        while let first = entries.first, first.deadline <= now {
            removeFirst()
            if !first.timer.isCancelled { return first.timer }
        }
        return nil
    }

    /// Amortised: a sweep costs O(n) and happens after at least n insertions.
    private mutating func sweepCancelled() {
        entries.removeAll { $0.timer.isCancelled }
        for index in stride(from: entries.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
        insertionsUntilSweep = max(256, entries.count)
    }

    private mutating func removeFirst() {
        let last = entries.removeLast()
        guard !entries.isEmpty else { return }
        entries[0] = last
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard entries[index].precedes(entries[parent]) else { return }
            entries.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2] where child < entries.count {
                if entries[child].precedes(entries[smallest]) { smallest = child }
            }
            guard smallest != index else { return }
            entries.swapAt(index, smallest)
            index = smallest
        }
    }
}
