package import KubeModel

/// What differs between two states of an object, as paths that managers can own.
package struct FieldComparison: Sendable, Hashable {
    package var added: FieldSet
    package var modified: FieldSet
    package var removed: FieldSet

    package var isEmpty: Bool { added.isEmpty && modified.isEmpty && removed.isEmpty }

    /// What the newer state sets.
    package var changed: FieldSet { added.union(modified) }

    /// - Parameters:
    ///   - hasZeroFields: false for custom resources, which have no fields that nobody has set.
    package init(from old: JSONValue, to new: JSONValue, schema: Schema?, hasZeroFields: Bool) {
        var level = Level()
        level.compareContents(old, new, FieldType(schema, hasZeroFields: hasZeroFields))
        added = FieldSet(level.added)
        modified = FieldSet(level.modified)
        removed = FieldSet(level.removed)
    }

    /// The differences below one node.
    private struct Level {
        var added: [FieldSet.Node] = []
        var modified: [FieldSet.Node] = []
        var removed: [FieldSet.Node] = []

        /// Two values that may have parts; those without are compared by the caller.
        mutating func compareContents(_ old: JSONValue, _ new: JSONValue, _ type: FieldType) {
            let relation = type.relation(for: new.isNull ? old : new)
            switch relation {
            case .members: compareMembers(old.object ?? JSONObject(), new.object ?? JSONObject(), type)
            case .set, .keyed: compareElements(old.array ?? [], new.array ?? [], relation, type.element)
            case .whole: break
            }
        }

        private mutating func compareMembers(_ old: JSONObject, _ new: JSONObject, _ type: FieldType) {
            for (name, value) in new {
                let before = old[name]
                if let before, before == value { continue }
                if before == nil, type.leavesOut(name, value) { continue }
                compare(
                    .field(name), before, value, type.member(name) ?? .deduced, isAlwaysThere: { type.alwaysHas(name) })
            }
            for (name, value) in old where !new.contains(name) && !type.leavesOut(name, value) {
                compare(
                    .field(name), value, nil, type.member(name) ?? .deduced, isAlwaysThere: { type.alwaysHas(name) })
            }
        }

        private mutating func compareElements(
            _ old: [JSONValue], _ new: [JSONValue], _ relation: FieldType.Relation, _ type: FieldType
        ) {
            let before = ListElements(old, relation, type)
            let after = ListElements(new, relation, type)
            for (place, name) in after.names.enumerated() where after.position(of: name) == place {
                if before.hasDuplicates || after.hasDuplicates {
                    let (old, new) = (before.all(name), after.all(name))
                    if old.count > 1 || new.count > 1 {
                        if old == new { continue }
                        let node = FieldSet.Node(name, isMember: true)
                        if old.isEmpty { added.append(node) } else { modified.append(node) }
                        continue
                    }
                }
                compare(name, before[name], after.values[place], type)
            }
            for (place, name) in before.names.enumerated()
            where before.position(of: name) == place && after.position(of: name) == nil {
                compare(name, before.values[place], nil, type)
            }
        }

        /// - Parameter isAlwaysThere: whether an absent value counts as an empty one.
        private mutating func compare(
            _ element: FieldElement, _ old: JSONValue?, _ new: JSONValue?, _ type: FieldType,
            isAlwaysThere: () -> Bool = { false }
        ) {
            switch (old, new) {
            case (let old?, let new?): compareBoth(element, old, new, type)
            case (nil, let new?):
                if FieldComparison.isContainer(new), isAlwaysThere() {
                    if FieldComparison.hasParts(new) { compareBoth(element, .null, new, type) }
                } else {
                    added.append(
                        FieldSet.Node(element, isMember: true, children: FieldSet.everything(in: new, type)))
                }
            case (let old?, nil):
                if FieldComparison.isContainer(old), isAlwaysThere() {
                    if FieldComparison.hasParts(old) { compareBoth(element, old, .null, type) }
                } else {
                    removed.append(
                        FieldSet.Node(element, isMember: true, children: FieldSet.everything(in: old, type)))
                }
            case (nil, nil): break
            }
        }

        private mutating func compareBoth(
            _ element: FieldElement, _ old: JSONValue, _ new: JSONValue, _ type: FieldType
        ) {
            if old == new { return }
            let hadParts = FieldComparison.hasParts(old) && !FieldSet.isLeaf(old, type)
            let hasParts = FieldComparison.hasParts(new) && !FieldSet.isLeaf(new, type)
            guard hadParts || hasParts else {
                if type.areSame(old, new) { return }
                modified.append(FieldSet.Node(element, isMember: true))
                return
            }
            var below = Level()
            let isSwapped = hadParts && !hasParts && !FieldComparison.isVoid(new)
            let wasSwapped = hasParts && !hadParts && !FieldComparison.isVoid(old)
            below.compareContents(isSwapped ? .null : wasSwapped ? .null : old, isSwapped ? .null : new, type)
            if isSwapped { below.compareContents(old, .null, type) }
            append(element, below.added, to: &added, isMember: false)
            append(element, below.modified, to: &modified, isMember: isSwapped || wasSwapped)
            append(element, below.removed, to: &removed, isMember: false)
        }

        private func append(
            _ element: FieldElement, _ below: [FieldSet.Node], to nodes: inout [FieldSet.Node], isMember: Bool
        ) {
            guard isMember || !below.isEmpty else { return }
            nodes.append(FieldSet.Node(element, isMember: isMember, children: FieldSet(below)))
        }
    }

    private static func isContainer(_ value: JSONValue) -> Bool {
        switch value {
        case .object, .array: true
        default: false
        }
    }

    /// Whether there is something in a list or map.
    private static func hasParts(_ value: JSONValue) -> Bool {
        switch value {
        case .object(let object): !object.isEmpty
        case .array(let list): !list.isEmpty
        default: false
        }
    }

    /// Null, or a list or map without anything in it.
    private static func isVoid(_ value: JSONValue) -> Bool {
        switch value {
        case .null: true
        case .object, .array: !hasParts(value)
        default: false
        }
    }
}
