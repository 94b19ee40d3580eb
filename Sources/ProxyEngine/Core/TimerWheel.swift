/// Deadlines for many connections at the cost of one store when one is moved.
///
/// A token sits in the bucket of a tick that is not later than its deadline; when that tick comes and the deadline has
/// been moved on meanwhile, the token is filed again. Keeping a busy connection alive therefore writes one integer.
/// Pure: time comes in as ticks. Tokens are small integers (slab indices).
struct TimerWheel: ~Copyable {
    private static var bucketCount: Int { 512 }
    private static var never: Int64 { .max }

    private struct Node: BitwiseCopyable {
        var next: Int32 = -1
        var previous: Int32 = -1
        /// Bucket it is in, or -1.
        var bucket: Int32 = -1
        /// Tick of that bucket.
        var filed: Int64 = 0
        var deadline: Int64 = .max
    }

    private var nodes: UnsafeMutablePointer<Node>
    private var capacity = 128
    private let buckets: UnsafeMutablePointer<Int32>
    /// All buckets up to and including this tick have been emptied.
    private var current: Int64
    /// Tokens filed in some bucket.
    private(set) var filedCount = 0

    init(now: Int64) {
        current = now
        nodes = .allocate(capacity: capacity)
        nodes.initialize(repeating: Node(), count: capacity)
        buckets = .allocate(capacity: Self.bucketCount)
        buckets.initialize(repeating: -1, count: Self.bucketCount)
    }

    deinit {
        nodes.deallocate()
        buckets.deallocate()
    }

    /// Sets the deadline of `token`, replacing its last one. It expires when ``popExpired(now:)`` is called with that
    /// tick or a later one.
    @inline(__always)
    mutating func set(_ token: Int32, deadline: Int64) {
        if Int(token) < capacity, nodes[Int(token)].bucket >= 0, nodes[Int(token)].filed <= deadline {
            nodes[Int(token)].deadline = deadline
            return
        }
        refile(token, deadline: deadline)
    }

    /// Takes the deadline of `token` away.
    mutating func clear(_ token: Int32) {
        guard Int(token) < capacity else { return }
        unlink(token)
        nodes[Int(token)].deadline = Self.never
    }

    /// One token whose deadline has come, or nil when there is none (more). Its deadline is gone with that.
    mutating func popExpired(now: Int64) -> Int32? {
        // After a long sleep every bucket is visited at most once.
        if filedCount == 0 {
            current = max(current, now)
            return nil
        }
        if now - current > Int64(Self.bucketCount) { current = now - Int64(Self.bucketCount) }
        while true {
            let bucket = Self.bucket(of: current)
            var token = buckets[bucket]
            while token >= 0 {
                let next = nodes[Int(token)].next
                let deadline = nodes[Int(token)].deadline
                if deadline <= now {
                    unlink(token)
                    nodes[Int(token)].deadline = Self.never
                    return token
                }
                if nodes[Int(token)].filed <= current {
                    unlink(token)
                    if deadline != Self.never { file(token, deadline: deadline, after: current) }
                }
                token = next
            }
            if current >= now { return nil }
            current += 1
        }
    }

    private static func bucket(of tick: Int64) -> Int { Int(tick & Int64(bucketCount - 1)) }

    private mutating func refile(_ token: Int32, deadline: Int64) {
        if Int(token) >= capacity { grow(to: Int(token) + 1) }
        unlink(token)
        file(token, deadline: deadline, after: current)
    }

    private mutating func file(_ token: Int32, deadline: Int64, after tick: Int64) {
        // Beyond one turn of the wheel it waits in the last bucket and is filed again from there.
        let filed = min(max(deadline, tick + 1), tick + Int64(Self.bucketCount) - 1)
        let bucket = Self.bucket(of: filed)
        let head = buckets[bucket]
        nodes[Int(token)] = Node(
            next: head, previous: -1, bucket: Int32(bucket), filed: filed, deadline: deadline)
        if head >= 0 { nodes[Int(head)].previous = token }
        buckets[bucket] = token
        filedCount += 1
    }

    private mutating func unlink(_ token: Int32) {
        let node = nodes[Int(token)]
        guard node.bucket >= 0 else { return }
        if node.previous >= 0 {
            nodes[Int(node.previous)].next = node.next
        } else {
            buckets[Int(node.bucket)] = node.next
        }
        if node.next >= 0 { nodes[Int(node.next)].previous = node.previous }
        nodes[Int(token)].bucket = -1
        filedCount -= 1
    }

    private mutating func grow(to count: Int) {
        let larger = max(count, capacity * 2)
        let moved = UnsafeMutablePointer<Node>.allocate(capacity: larger)
        moved.moveInitialize(from: nodes, count: capacity)
        (moved + capacity).initialize(repeating: Node(), count: larger - capacity)
        nodes.deallocate()
        nodes = moved
        capacity = larger
    }
}
