/// The nodes of a graph at a fixed place in memory: what is asked of one reads that field alone. Out of an array the whole
/// node would be copied first, with a reference count for each of its two dozen fields: that was a tenth of what an update
/// of an EndpointSlice cost.
struct SchemaNodes: @unchecked Sendable {
    // Sendable: nothing is written after `init`, and the graph that owns the memory frees it last.
    private let base: UnsafeMutablePointer<SchemaGraph.Node>
    let count: Int

    init(_ nodes: [SchemaGraph.Node]) {
        count = nodes.count
        base = .allocate(capacity: nodes.count)
        base.initialize(from: nodes, count: nodes.count)
    }

    /// Called once, by the owner.
    func deallocate() {
        base.deinitialize(count: count)
        base.deallocate()
    }

    subscript(index: Int) -> SchemaGraph.Node {
        @inline(__always) _read {
            precondition(index >= 0 && index < count)
            yield base[index]
        }
    }
}
