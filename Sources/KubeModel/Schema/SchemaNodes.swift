/// The nodes of a graph at a fixed place in memory: what is asked of one reads that field alone. Out of an array the whole
/// node would be copied first, with a reference count for each of its two dozen fields: that was a tenth of what an update
/// of an EndpointSlice cost.
package struct SchemaNodes: @unchecked Sendable {
    // Sendable: nothing is written after `init`, and the graph that owns the memory frees it last.
    private let base: UnsafeMutablePointer<SchemaGraph.Node>
    package let count: Int

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

    /// By address: what `_read` yields is loaded first, and with it every field.
    package subscript(index: Int) -> SchemaGraph.Node {
        @inline(__always) unsafeAddress {
            precondition(index >= 0 && index < count)
            return UnsafePointer(base + index)
        }
    }

    /// The node of a property. (As a method of the node it would be handed the whole of it.)
    @inline(__always)
    package func property(_ name: String, of index: Int) -> Int? {
        self[index].properties.node(name)
    }

    /// Whether anything is allowed inside, unseen.
    @inline(__always)
    package func isOpaque(_ index: Int) -> Bool {
        guard self[index].properties.isEmpty, case .unspecified = self[index].additional else {
            return self[index].preservesUnknown
        }
        return self[index].type == nil || self[index].type == .object
    }

    /// Whether a member is one that Go's encoder leaves out (`omitempty`): a zero value where the struct has no pointer.
    /// One of a wrong type is not, so that it is still found.
    @inline(__always)
    package func vanishes(_ member: JSONValue, at index: Int) -> Bool {
        guard self[index].vanishesAtZero else { return false }
        switch (self[index].type, member) {
        case (.string, .string(let text)): return text.isEmpty
        case (.boolean, .bool(let flag)): return !flag
        case (.integer, .integer(let number)), (.number, .integer(let number)): return number == 0
        case (.integer, .number(let number)), (.number, .number(let number)): return number == 0
        case (.array, .array(let elements)): return elements.isEmpty
        case (.object, .object(let entries)): return entries.isEmpty
        default: return false
        }
    }
}
