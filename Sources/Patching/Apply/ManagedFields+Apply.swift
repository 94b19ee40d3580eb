package import KubeModel

/// A field that an applied configuration would take from its owner.
package struct FieldConflict: Sendable, Hashable {
    package let manager: FieldManagerIdentity
    /// `.spec.ports[port=80,protocol="TCP"].targetPort`.
    package let field: String
}

/// Why a configuration was not applied: each field that somebody else owns and that it would change.
package struct FieldConflicts: Error, Sendable {
    package let conflicts: [FieldConflict]

    /// As Kubernetes words it.
    package var message: String {
        if let only = conflicts.first, conflicts.count == 1 {
            return "Apply failed with 1 conflict: conflict with \(only.manager.description): \(only.field)"
        }
        var lines: [String] = []
        var previous: FieldManagerIdentity?
        for conflict in conflicts {
            if conflict.manager != previous { lines.append("conflicts with \(conflict.manager.description):") }
            previous = conflict.manager
            lines.append("- \(conflict.field)")
        }
        return "Apply failed with \(conflicts.count) conflicts: \(lines.joined(separator: "\n"))"
    }
}

extension ManagedFields {
    /// What the forms of a document are that an apply has to do with.
    package struct ApplyContext {
        package let schema: Schema?
        package let hasZeroFields: Bool
        package let apiVersion: String
        /// A document in another version of the API, with that version's schema; nil for one that is no longer served.
        package let converted: (_ document: JSONValue, _ apiVersion: String) -> (JSONValue, Schema?)?

        package init(
            schema: Schema?, hasZeroFields: Bool, apiVersion: String,
            converted: @escaping (_ document: JSONValue, _ apiVersion: String) -> (JSONValue, Schema?)? = { _, _ in nil
            }
        ) {
            self.schema = schema
            self.hasZeroFields = hasZeroFields
            self.apiVersion = apiVersion
            self.converted = converted
        }

        func form(of document: JSONValue, _ version: String) -> (JSONValue, Schema?)? {
            version == apiVersion ? (document, schema) : converted(document, version)
        }

        package func comparison(from old: JSONValue, to new: JSONValue, in version: String) -> FieldComparison? {
            guard let (old, schema) = form(of: old, version), let (new, _) = form(of: new, version) else { return nil }
            return FieldComparison(from: old, to: new, schema: schema, hasZeroFields: hasZeroFields)
        }
    }

    /// Applies a configuration: merges it into the live object, removes what the manager applied before and nobody owns
    /// any more, and records what it owns now.
    ///
    /// - Parameters:
    ///   - configuration: without `metadata.managedFields`, and one that `AppliedConfiguration.problems` accepts.
    ///   - live: an empty object when there is none yet.
    ///   - takesOver: which paths may be taken from their owners; nil for all of them (`force`).
    /// - Returns: the object that is to be.
    package mutating func apply(
        _ configuration: JSONValue, to live: JSONValue, by identity: FieldManagerIdentity, force: Bool,
        takesOver: (() -> FieldSet?)? = nil, _ context: ApplyContext, time: String
    ) throws(FieldConflicts) -> JSONValue {
        let merged = TypedMerge.merge(configuration, into: live, schema: context.schema)
        let set = FieldSet(applied: configuration, schema: context.schema, hasZeroFields: context.hasZeroFields)
        let last = self[identity]
        let owned = set.subtracting(Self.unowned)
        let hasSameFields = last?.fields == owned
        let isNew = !hasSameFields || last?.identity.apiVersion != identity.apiVersion

        // The identifying fields count as owned while it is decided what goes: they never do.
        let wanted = last.map { prune(merged, $0, replacedBy: set, identity, context) } ?? merged
        let comparison = FieldComparison(
            from: live, to: wanted, schema: context.schema, hasZeroFields: context.hasZeroFields)
        var changes = Changes(comparison, apiVersion: context.apiVersion) { version in
            context.comparison(from: live, to: wanted, in: version)
        }
        if !force {
            let found = conflicts(&changes, with: identity)
            if !found.isEmpty {
                guard let allowed = takesOver?() else { throw FieldConflicts(conflicts: found.map(\.conflict)) }
                let refused = found.filter { !allowed.contains($0.path) }
                if !refused.isEmpty { throw FieldConflicts(conflicts: refused.map(\.conflict)) }
            }
        }
        if !comparison.isEmpty { release(&changes, except: position(of: identity)) }
        dropUnserved(&changes)
        let isChanged = isNew || live != wanted
        if let place = position(of: identity) {
            if owned.isEmpty {
                entries.remove(at: place)
            } else if isChanged {
                // Who applies the same fields again keeps their text as it was read.
                if hasSameFields {
                    stamp(identity, time, at: place)
                } else {
                    entries[place] = Entry(identity, owned, time: time)
                }
            }
        } else if !owned.isEmpty {
            entries.append(Entry(identity, owned, time: time))
        }
        return wanted
    }

    /// Entries in versions that are no longer served say nothing any more.
    private mutating func dropUnserved(_ changes: inout Changes) {
        let versions = Set(entries.map(\.identity.apiVersion))
        for version in versions where changes.comparison(in: version) == nil {
            entries.removeAll { $0.identity.apiVersion == version }
        }
    }

    private func conflicts(
        _ changes: inout Changes, with identity: FieldManagerIdentity
    ) -> [(conflict: FieldConflict, path: [FieldElement])] {
        var found: [(FieldConflict, [FieldElement])] = []
        for entry in entries.sorted(by: { $0.identity.sortKey < $1.identity.sortKey })
        where !entry.identity.isSame(as: identity) {
            guard let comparison = changes.comparison(in: entry.identity.apiVersion) else { continue }
            let taken = entry.fields.intersection(comparison.changed)
            for path in taken.paths {
                found.append(
                    (FieldConflict(manager: entry.identity, field: path.map(\.pathText).joined()), path))
            }
        }
        return found
    }

    /// Removes what the manager applied last time and not this time, unless somebody else owns it.
    private func prune(
        _ merged: JSONValue, _ last: Entry, replacedBy set: FieldSet, _ identity: FieldManagerIdentity,
        _ context: ApplyContext
    ) -> JSONValue {
        let version = last.identity.apiVersion
        // In the same version nothing can go when everything is applied again.
        if version == context.apiVersion, set.isSuperset(of: last.fields) { return merged }
        guard let (document, schema) = context.form(of: merged, version) else { return merged }
        let type = FieldType(schema, hasZeroFields: context.hasZeroFields)

        var managed: [String: FieldSet] = [context.apiVersion: set]
        for entry in entries where !entry.identity.isSame(as: identity) {
            managed[entry.identity.apiVersion] = (managed[entry.identity.apiVersion] ?? FieldSet()).union(entry.fields)
        }
        func fields(_ document: JSONValue, _ schema: Schema?, _ type: FieldType) -> FieldSet {
            FieldSet(applied: document, schema: schema, hasZeroFields: context.hasZeroFields).withNamedFields(type)
        }
        let lastFields = last.fields.withNamedFields(type)
        var pruned = FieldRemoval.removing(lastFields, from: document, type)
        // What others own, and what is applied again, comes back: first in the version in which it was removed.
        let others = managed.keys.filter { $0 != version }.sorted()
        for at in (managed[version] == nil ? [] : [version]) + others {
            guard let owned = managed[at], let (whole, schema) = context.form(of: merged, at),
                let rest = Self.converted(pruned, from: version, to: at, context)
            else { continue }
            let type = FieldType(schema, hasZeroFields: context.hasZeroFields)
            let kept = fields(rest, schema, type).union(owned.withNamedFields(type))
            let back = FieldRemoval.removing(fields(whole, schema, type).subtracting(kept), from: whole, type)
            pruned = Self.converted(back, from: at, to: version, context) ?? pruned
        }
        // And what nobody owned is not the manager's to remove.
        let all = fields(document, schema, type)
        let gone = all.subtracting(fields(pruned, schema, type)).intersection(lastFields)
        let result = FieldRemoval.removing(gone, from: document, type)
        return Self.converted(result, from: version, to: context.apiVersion, context) ?? merged
    }

    private static func converted(
        _ document: JSONValue, from: String, to version: String, _ context: ApplyContext
    ) -> JSONValue? {
        from == version ? document : context.converted(document, version)?.0
    }
}

extension FieldManagerIdentity {
    fileprivate var sortKey: String { "\(manager)\u{0}\(operation.rawValue)\u{0}\(apiVersion)\u{0}\(subresource)" }
}
