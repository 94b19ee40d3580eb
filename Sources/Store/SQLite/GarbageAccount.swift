/// The bytes of values that history holds and the present state does not: what writes replaced and deletes removed.
struct GarbageAccount {
    /// Of all writes since the opening.
    private var total: Int64 = 0
    /// `total` at some revisions, in order; a step for about every `stepBytes`.
    private var steps: [(revision: Revision, total: Int64)] = []
    private var dropped: Int64 = 0
    private let stepBytes: Int64

    /// - Parameter bytes: what history holds at the opening; nobody knows of which revision.
    init(bytes: Int64, at revision: Revision, stepBytes: Int64 = 1 << 20) {
        self.stepBytes = stepBytes
        add(bytes, at: revision)
    }

    /// What a compaction to the present would give back, to about a step.
    var bytes: Int64 { total - dropped }

    mutating func add(_ bytes: Int64, at revision: Revision) {
        guard bytes > 0 else { return }
        total += bytes
        let before = steps.dropLast().last?.total ?? dropped
        if let last = steps.last, total - before < stepBytes || last.revision == revision {
            steps[steps.count - 1] = (revision, total)
        } else {
            steps.append((revision, total))
        }
    }

    mutating func compact(to revision: Revision) {
        let gone = steps.prefix { $0.revision <= revision }
        dropped = gone.last?.total ?? dropped
        steps.removeFirst(gone.count)
    }
}
