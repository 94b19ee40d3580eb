import KubeModel

/// Where the objects of a resource are that have a certain value of a label, for the labels that lists ask about again and
/// again: `kubernetes.io/service-name` of EndpointSlices above all.
///
/// A value: a copy is a snapshot and costs one reference.
struct LabelIndex: Sendable {
    /// The objects with one value, in the order of their keys.
    typealias Bucket = [CachedObject]

    /// The objects by their value of one label.
    struct Values: Sendable {
        let label: String
        /// nil: so many that looking at all objects is no worse, and keeping them in order is.
        private var buckets: [String: Bucket?] = [:]

        /// Objects that one bucket holds.
        static let bucketLimit = 512

        init(label: String, of index: ObjectIndex) {
            self.label = label
            index.forEach(in: index.start..<index.end) { object in
                replace(nil, with: object)
                return true
            }
        }

        /// The objects with a value; nil: not known.
        func bucket(_ value: String) -> Bucket? {
            guard let bucket = buckets[value] else { return [] }
            return bucket
        }

        /// Takes one change of one object over; nil: there is none, before or after.
        mutating func replace(_ old: CachedObject?, with new: CachedObject?) {
            let before = old?.label(label)
            let after = new?.label(label)
            if let old, let before, before != after { remove(old, from: before) }
            if let new, let after { insert(new, into: after) }
        }

        private mutating func remove(_ object: CachedObject, from value: String) {
            guard case .some(.some(var bucket)) = buckets[value] else { return }
            // Taken out, so that it is changed in place.
            buckets[value] = .some(nil)
            let place = Self.place(of: object, in: bucket)
            if place.isFound { bucket.remove(at: place.offset) }
            if bucket.isEmpty { buckets[value] = nil } else { buckets[value] = .some(bucket) }
        }

        private mutating func insert(_ object: CachedObject, into value: String) {
            guard let known = buckets[value] else {
                buckets[value] = .some([object])
                return
            }
            guard var bucket = known else { return }
            buckets[value] = .some(nil)
            let place = Self.place(of: object, in: bucket)
            if place.isFound {
                bucket[place.offset] = object
            } else if bucket.count < Self.bucketLimit {
                bucket.insert(object, at: place.offset)
            } else {
                return
            }
            buckets[value] = .some(bucket)
        }

        private static func place(of object: CachedObject, in bucket: Bucket) -> (offset: Int, isFound: Bool) {
            object.relativeKey.withBytes { key in
                let offset = bucket.partitionPoint { $0.order(to: key) < 0 }
                return (offset, offset < bucket.count && bucket[offset].order(to: key) == 0)
            }
        }
    }

    private var all: [Values] = []
    /// How often a label that is not indexed was asked for.
    private var requests: [String: Int] = [:]

    /// Labels that one resource has an index of; each costs some hundred bytes an object.
    private static let maximumLabels = 4
    /// So many lists look at all objects before the label is indexed.
    private static let patience = 3
    /// Below that many objects an index is not worth it.
    private static let minimumObjects = 64

    var isEmpty: Bool { all.isEmpty }

    /// The objects that can match a selector, in the order of their keys; nil when only a look at all can tell.
    func candidates(_ selector: Selector?) -> Bucket? {
        guard let selector, !all.isEmpty else { return nil }
        for values in all {
            if let value = selector.exactValue(of: values.label), let bucket = values.bucket(value) { return bucket }
        }
        return nil
    }

    /// Notes that all `count` objects are looked at for a selector.
    /// - Returns: the label to make an index of, if it is time.
    mutating func noteScan(_ selector: Selector?, of count: Int) -> String? {
        guard let selector, count >= Self.minimumObjects, all.count < Self.maximumLabels else { return nil }
        for requirement in selector.requirements where selector.exactValue(of: requirement.key) != nil {
            guard !all.contains(where: { $0.label == requirement.key }) else { continue }
            // Nobody fills the memory with names of labels.
            if requests.count >= 64 { requests = [:] }
            requests[requirement.key, default: 0] += 1
            if requests[requirement.key, default: 0] > Self.patience {
                requests[requirement.key] = nil
                return requirement.key
            }
        }
        return nil
    }

    mutating func add(_ values: Values) {
        guard all.count < Self.maximumLabels, !all.contains(where: { $0.label == values.label }) else { return }
        all.append(values)
    }

    /// Takes one change of one object over; nil: there is none, before or after.
    mutating func replace(_ old: CachedObject?, with new: CachedObject?) {
        for place in all.indices { all[place].replace(old, with: new) }
    }
}

extension [CachedObject] {
    /// The first place whose object is not `before`, when all that are stand in front.
    func partitionPoint(before: (CachedObject) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if before(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
