import KubeModel

/// A set of paths of fields: what a manager owns, what a change touched.
///
/// A tree in FieldsV1's order, so that the operations on two sets are merges. A node may be in the set itself, have
/// nodes below that are, or both; there is no node without either.
package struct FieldSet: Sendable, Hashable {
    struct Node: Sendable, Hashable {
        var element: FieldElement
        /// Whether the set has the path that ends here.
        var isMember: Bool
        var children: FieldSet

        init(_ element: FieldElement, isMember: Bool, children: FieldSet = FieldSet()) {
            self.element = element
            self.isMember = isMember
            self.children = children
        }

        /// A node that may stand for nothing.
        var isVacant: Bool { !isMember && children.isEmpty }
    }

    /// Sorted, none vacant.
    private(set) var nodes: [Node]

    package init() {
        nodes = []
    }

    /// - Parameter nodes: with different elements, in any order; vacant ones are left out.
    init(_ nodes: [Node]) {
        self.nodes = nodes
        if self.nodes.contains(where: \.isVacant) { self.nodes.removeAll(where: \.isVacant) }
        sort()
    }

    /// A set of one path.
    package init(path: [FieldElement]) {
        self.init()
        var set = FieldSet()
        var isLast = true
        for element in path.reversed() {
            set = FieldSet([Node(element, isMember: isLast, children: set)])
            isLast = false
        }
        self = set
    }

    /// A set of paths of object members.
    package init(fields paths: [[String]]) {
        self = paths.reduce(into: FieldSet()) { $0 = $0.union(FieldSet(path: $1.map { .field($0) })) }
    }

    package var isEmpty: Bool { nodes.isEmpty }

    /// How many paths there are.
    package var count: Int {
        nodes.reduce(0) { $0 + ($1.isMember ? 1 : 0) + $1.children.count }
    }

    /// Insertion sort: nearly always short, and most often in order already.
    private mutating func sort() {
        guard nodes.count > 1 else { return }
        if nodes.count > 24 {
            nodes.sort { $0.element.order($1.element) < 0 }
            return
        }
        for place in 1..<nodes.count {
            var hole = place
            while hole > 0, nodes[hole - 1].element.order(nodes[hole].element) > 0 {
                nodes.swapAt(hole - 1, hole)
                hole -= 1
            }
        }
    }

    func node(_ element: FieldElement) -> Node? {
        var low = 0
        var high = nodes.count
        while low < high {
            let middle = (low + high) / 2
            let order = nodes[middle].element.order(element)
            if order == 0 { return nodes[middle] }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// What is below an element.
    func below(_ element: FieldElement) -> FieldSet {
        node(element)?.children ?? FieldSet()
    }

    package func contains(_ path: [FieldElement]) -> Bool {
        var set = self
        for (place, element) in path.enumerated() {
            guard let node = set.node(element) else { return false }
            if place == path.count - 1 { return node.isMember }
            set = node.children
        }
        return false
    }

    /// Every path, in the order in which Kubernetes lists them: on each level first the members, then what is below.
    package var paths: [[FieldElement]] {
        var result: [[FieldElement]] = []
        collect([], into: &result)
        return result
    }

    private func collect(_ prefix: [FieldElement], into result: inout [[FieldElement]]) {
        for node in nodes where node.isMember { result.append(prefix + [node.element]) }
        for node in nodes where !node.children.isEmpty { node.children.collect(prefix + [node.element], into: &result) }
    }
}

extension FieldSet {
    /// What is in either set.
    package func union(_ other: FieldSet) -> FieldSet {
        if other.isEmpty { return self }
        if isEmpty { return other }
        return merged(other) { left, right in
            guard let left else { return right }
            guard let right else { return left }
            return Node(
                left.element, isMember: left.isMember || right.isMember, children: left.children.union(right.children))
        }
    }

    /// What is in this set and not in the other. A path is not affected by what is above or below it.
    package func subtracting(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return self }
        return merged(other) { left, right in
            guard let left, let right else { return left }
            return Node(
                left.element, isMember: left.isMember && !right.isMember,
                children: left.children.subtracting(right.children))
        }
    }

    /// As `subtracting`, and also without everything below the other set's paths.
    package func subtractingTrees(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return self }
        return merged(other) { left, right in
            guard let left, let right else { return left }
            if right.isMember { return nil }
            return Node(
                left.element, isMember: left.isMember, children: left.children.subtractingTrees(right.children))
        }
    }

    /// What is in both sets.
    package func intersection(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return FieldSet() }
        return merged(other) { left, right in
            guard let left, let right else { return nil }
            return Node(
                left.element, isMember: left.isMember && right.isMember,
                children: left.children.intersection(right.children))
        }
    }

    /// Whether the sets have a path in common.
    package func intersects(_ other: FieldSet) -> Bool {
        var place = 0
        for node in nodes {
            while place < other.nodes.count {
                let order = other.nodes[place].element.order(node.element)
                if order > 0 { break }
                place += 1
                guard order == 0 else { continue }
                let twin = other.nodes[place - 1]
                if node.isMember && twin.isMember || node.children.intersects(twin.children) { return true }
                break
            }
            if place == other.nodes.count { return false }
        }
        return false
    }

    /// Whether every path of the other set is in this one.
    package func isSuperset(of other: FieldSet) -> Bool {
        other.nodes.allSatisfy { wanted in
            guard let own = node(wanted.element) else { return false }
            return (own.isMember || !wanted.isMember) && own.children.isSuperset(of: wanted.children)
        }
    }

    private func merged(_ other: FieldSet, _ combine: (Node?, Node?) -> Node?) -> FieldSet {
        var result: [Node] = []
        result.reserveCapacity(nodes.count)
        func keep(_ node: Node?) {
            if let node, !node.isVacant { result.append(node) }
        }
        var left = 0
        var right = 0
        while left < nodes.count || right < other.nodes.count {
            let order: Int =
                left == nodes.count
                ? 1 : right == other.nodes.count ? -1 : nodes[left].element.order(other.nodes[right].element)
            if order < 0 {
                keep(combine(nodes[left], nil))
                left += 1
            } else if order > 0 {
                keep(combine(nil, other.nodes[right]))
                right += 1
            } else {
                keep(combine(nodes[left], other.nodes[right]))
                left += 1
                right += 1
            }
        }
        var set = FieldSet()
        set.nodes = result
        return set
    }
}
