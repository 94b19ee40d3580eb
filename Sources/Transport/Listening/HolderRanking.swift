/// Holders (peers, Services) by how much they hold: a heap whose first is the one that holds the most and, of several, the
/// one whose oldest is the oldest of all. A change costs the logarithm of the number of holders. Pure.
struct HolderRanking<Holder: Hashable & Sendable>: Sendable {
    struct Standing: Sendable {
        let holder: Holder
        /// What the holder has; at least 1.
        let count: Int
        /// The number of the oldest thing that it holds, in the order of arrival.
        let oldest: UInt64

        func precedes(_ other: Standing) -> Bool {
            count != other.count ? count > other.count : oldest < other.oldest
        }
    }

    private var heap: [Standing] = []
    private var positions: [Holder: Int] = [:]

    var first: Standing? { heap.first }

    /// Takes the place of what was known of that holder.
    mutating func update(_ standing: Standing) {
        if let position = positions[standing.holder] {
            heap[position] = standing
            settle(position)
        } else {
            heap.append(standing)
            positions[standing.holder] = heap.count - 1
            rise(heap.count - 1)
        }
    }

    /// The holder has nothing any more.
    mutating func remove(_ holder: Holder) {
        guard let position = positions.removeValue(forKey: holder) else { return }
        let last = heap.removeLast()
        guard position < heap.count else { return }
        heap[position] = last
        positions[last.holder] = position
        settle(position)
    }

    private mutating func settle(_ position: Int) {
        rise(position)
        sink(position)
    }

    private mutating func rise(_ start: Int) {
        var position = start
        while position > 0 {
            let parent = (position - 1) / 2
            guard heap[position].precedes(heap[parent]) else { return }
            swap(position, parent)
            position = parent
        }
    }

    private mutating func sink(_ start: Int) {
        var position = start
        while true {
            var best = position
            for child in (2 * position + 1)...(2 * position + 2)
            where child < heap.count && heap[child].precedes(heap[best]) {
                best = child
            }
            guard best != position else { return }
            swap(position, best)
            position = best
        }
    }

    private mutating func swap(_ a: Int, _ b: Int) {
        heap.swapAt(a, b)
        positions[heap[a].holder] = a
        positions[heap[b].holder] = b
    }
}
