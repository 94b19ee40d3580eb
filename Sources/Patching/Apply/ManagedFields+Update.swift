import KubeModel

extension ManagedFields {
    /// What a write changed, in the versions of the API in which managers name their fields.
    package struct Changes {
        /// In the version of the request.
        package let own: FieldComparison
        fileprivate let apiVersion: String
        /// The same change in another version; nil for one that is no longer served.
        private let inVersion: (_ apiVersion: String) -> FieldComparison?
        private var others: [String: FieldComparison?] = [:]

        package init(
            _ own: FieldComparison, apiVersion: String,
            inVersion: @escaping (_ apiVersion: String) -> FieldComparison? = { _ in nil }
        ) {
            self.own = own
            self.apiVersion = apiVersion
            self.inVersion = inVersion
        }

        mutating func comparison(in version: String) -> FieldComparison? {
            if version == apiVersion { return own }
            if let known = others[version] { return known }
            let comparison = inVersion(version)
            others[version] = .some(comparison)
            return comparison
        }
    }

    /// Fields that identify an object or that only the server writes: nobody owns them.
    package static let unowned = FieldSet(fields: [
        ["apiVersion"], ["kind"], ["metadata"],
        ["metadata", "name"], ["metadata", "namespace"], ["metadata", "creationTimestamp"], ["metadata", "selfLink"],
        ["metadata", "uid"], ["metadata", "clusterName"], ["metadata", "generation"], ["metadata", "managedFields"],
        ["metadata", "resourceVersion"],
    ])

    /// How many managers by update an object keeps apart.
    static let maxUpdateManagers = 10

    /// Records a write that was no apply: `identity` owns what it set, others lose what it set or removed.
    ///
    /// - Parameters:
    ///   - ignored: paths that such a write can't own, with everything below.
    ///   - time: of the write, RFC 3339.
    package mutating func recordUpdate(
        by identity: FieldManagerIdentity, _ changes: Changes, ignoring ignored: FieldSet = FieldSet(), time: String
    ) {
        var changes = changes
        let own = position(of: identity).flatMap {
            entries[$0].identity.apiVersion == changes.apiVersion ? $0 : nil
        }
        release(&changes, except: own)
        let set = changes.own.changed.subtractingTrees(ignored).subtracting(Self.unowned)
        if let place = position(of: identity) {
            if own != nil { loseWhatIsNotSetAgain(changes.own, set, at: place) }
            if entries[place].fields.isEmpty, set.isEmpty {
                entries.remove(at: place)
            } else if !set.isEmpty {
                if !entries[place].fields.isSuperset(of: set) {
                    self.set(entries[place].fields.union(set), at: place)
                }
                stamp(identity, time, at: place)
            }
        } else if !set.isEmpty {
            entries.append(Entry(identity, set, time: time))
        }
        capUpdateManagers()
    }

    /// Takes away from the writer itself what it has changed, but for `set`, which it owns then anyway. Who writes the same
    /// fields again, as nearly everybody does, keeps them with their text as it was read.
    private mutating func loseWhatIsNotSetAgain(_ changes: FieldComparison, _ set: FieldSet, at place: Int) {
        for lost in [changes.added, changes.modified, changes.removed] where entries[place].fields.intersects(lost) {
            let gone = lost.subtracting(set)
            if entries[place].fields.intersects(gone) { self.set(entries[place].fields.subtracting(gone), at: place) }
        }
    }

    /// Takes what was set or removed away from every manager but one.
    mutating func release(_ changes: inout Changes, except keeper: Int?) {
        var gone: [Int] = []
        for place in entries.indices where place != keeper {
            guard let comparison = changes.comparison(in: entries[place].identity.apiVersion) else {
                gone.append(place)
                continue
            }
            let fields = entries[place].fields
            for lost in [comparison.added, comparison.modified, comparison.removed] where fields.intersects(lost) {
                set(entries[place].fields.subtracting(lost), at: place)
            }
            if entries[place].fields.isEmpty { gone.append(place) }
        }
        for place in gone.reversed() { entries.remove(at: place) }
    }

    /// Merges the oldest of too many managers by update into one for each version of the API.
    private mutating func capUpdateManagers() {
        var count = entries.count { $0.identity.operation == .update }
        guard count > Self.maxUpdateManagers else { return }
        let oldest = entries.filter { $0.identity.operation == .update }.sorted { left, right in
            if left.seconds != right.seconds { return left.seconds < right.seconds }
            if left.identity.manager != right.identity.manager { return left.identity.manager < right.identity.manager }
            if left.identity.apiVersion != right.identity.apiVersion {
                return left.identity.apiVersion < right.identity.apiVersion
            }
            return left.identity.subresource < right.identity.subresource
        }
        var first: [String: FieldManagerIdentity] = [:]
        for entry in oldest {
            guard count > Self.maxUpdateManagers else { return }
            let version = entry.identity.apiVersion
            guard let start = first[version] else {
                first[version] = entry.identity
                continue
            }
            let bucket = FieldManagerIdentity("ancient-changes", .update, apiVersion: version)
            if position(of: bucket) == nil, let place = position(of: start) {
                entries[place] = Entry(bucket, entries[place].fields, time: entries[place].time)
            }
            guard let place = position(of: entry.identity), let target = position(of: bucket), place != target else {
                continue
            }
            // The merged one is the more recent.
            entries[target] = Entry(bucket, entries[target].fields.union(entry.fields), time: entry.time)
            entries.remove(at: place)
            count -= 1
        }
    }
}
