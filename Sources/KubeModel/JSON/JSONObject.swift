/// A JSON object that keeps the order in which keys were inserted. Equality ignores the order.
///
/// Small objects are searched linearly; above 16 keys an index is kept, so that large ones cost no more than a
/// dictionary. Removing one key is linear; `removeAll(where:)` removes many at once.
public struct JSONObject: Sendable {
    public typealias Element = (key: String, value: JSONValue)

    struct Entry: Sendable {
        var key: String
        var value: JSONValue
    }

    static let linearLimit = 16

    private(set) var entries: [Entry]
    private var index: [ByteKey: Int]?

    public init(minimumCapacity: Int = 0) {
        entries = []
        if minimumCapacity > 0 { entries.reserveCapacity(minimumCapacity) }
    }

    /// An object of strings with sorted keys.
    public init(_ map: [String: String]) {
        self.init(minimumCapacity: map.count)
        for (key, value) in map.sorted(by: { ByteKey($0.key) < ByteKey($1.key) }) { self[key] = .string(value) }
    }

    /// Later values of a key replace earlier ones.
    public init(_ elements: some Sequence<(String, JSONValue)>) {
        self.init()
        for (key, value) in elements { self[key] = value }
    }

    /// For the parser: entries that it knows to have different keys.
    init(distinct entries: [Entry]) {
        self.entries = entries
        if entries.count > JSONObject.linearLimit { reindex() }
    }

    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }
    public var keys: some RandomAccessCollection<String> { entries.lazy.map(\.key) }
    public var values: some RandomAccessCollection<JSONValue> { entries.lazy.map(\.value) }

    public func contains(_ key: String) -> Bool { position(of: key) != nil }

    /// Reads, sets (a new key goes to the end) or, with nil, removes.
    public subscript(key: String) -> JSONValue? {
        get {
            guard let position = position(of: key) else { return nil }
            return entries[position].value
        }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?): entries[position].value = value
            case (let position?, nil): remove(at: position)
            case (nil, let value?): append(key, value)
            case (nil, nil): break
            }
        }
        _modify {
            let position = position(of: key)
            var value: JSONValue?
            if let position {
                // Moved out, so that the caller's change happens in place.
                value = entries[position].value
                entries[position].value = .null
            }
            yield &value
            switch (position, value) {
            case (let position?, let value?): entries[position].value = value
            case (let position?, nil): remove(at: position)
            case (nil, let value?): append(key, value)
            case (nil, nil): break
            }
        }
    }

    /// The value of a key that is present, else `fallback`; writing goes to the key.
    public subscript(key: String, default fallback: @autoclosure () -> JSONValue) -> JSONValue {
        get { self[key] ?? fallback() }
        _modify {
            var value = self[key] ?? fallback()
            if let position = position(of: key) { entries[position].value = .null }
            yield &value
            self[key] = value
        }
    }

    /// Puts a key at a place in the order, removing it from where it stood. `position` counts after that removal and
    /// is clamped to the ends.
    public mutating func insert(_ key: String, _ value: JSONValue, at position: Int) {
        self[key] = nil
        entries.insert(Entry(key: key, value: value), at: Swift.min(Swift.max(0, position), entries.count))
        if entries.count > JSONObject.linearLimit { reindex() }
    }

    @discardableResult
    public mutating func removeValue(forKey key: String) -> JSONValue? {
        guard let position = position(of: key) else { return nil }
        let value = entries[position].value
        remove(at: position)
        return value
    }

    public mutating func removeAll(where shouldRemove: (Element) throws -> Bool) rethrows {
        let before = entries.count
        try entries.removeAll { try shouldRemove(($0.key, $0.value)) }
        guard entries.count != before else { return }
        if entries.count > JSONObject.linearLimit { reindex() } else { index = nil }
    }

    /// Replaces every value by what `transform` makes of it, in order.
    public mutating func updateValues(_ transform: (_ key: String, _ value: inout JSONValue) throws -> Void) rethrows {
        for position in entries.indices {
            try transform(entries[position].key, &entries[position].value)
        }
    }

    /// Whether both have the same members, but for those named.
    public func isEqual(to other: JSONObject, ignoring ignored: [String]) -> Bool {
        var missing = other.entries.count { entry in !ignored.contains { sameBytes($0, entry.key) } }
        for (position, entry) in entries.enumerated() where !ignored.contains(where: { sameBytes($0, entry.key) }) {
            // Objects that come from the same source have the same order.
            let place =
                position < other.count && sameBytes(other.entries[position].key, entry.key)
                ? position : other.position(of: entry.key)
            guard let place, other.entries[place].value == entry.value else { return false }
            missing -= 1
        }
        return missing == 0
    }

    /// The same entries with keys in byte order.
    public func sortedByKey() -> JSONObject {
        JSONObject(distinct: entries.sorted { ByteKey($0.key) < ByteKey($1.key) })
    }

    /// The members that are strings; others are left out.
    public var strings: [String: String] {
        var result: [String: String] = [:]
        for entry in entries {
            if case .string(let value) = entry.value { result[entry.key] = value }
        }
        return result
    }

    func position(of key: String) -> Int? {
        if let index { return index[ByteKey(key)] }
        return entries.withUnsafeBufferPointer { entries in
            for place in entries.indices where sameBytes(entries[place].key, key) { return place }
            return nil
        }
    }

    private mutating func append(_ key: String, _ value: JSONValue) {
        entries.append(Entry(key: key, value: value))
        if index != nil {
            index?[ByteKey(key)] = entries.count - 1
        } else if entries.count > JSONObject.linearLimit {
            reindex()
        }
    }

    private mutating func remove(at position: Int) {
        let removed = entries.remove(at: position)
        // That of the last one is at hand; who removes another one finds all behind it at new places.
        guard index != nil else { return }
        if entries.count <= JSONObject.linearLimit {
            index = nil
        } else if position == entries.count {
            index?[ByteKey(removed.key)] = nil
        } else {
            reindex()
        }
    }

    private mutating func reindex() {
        var fresh: [ByteKey: Int] = [:]
        fresh.reserveCapacity(entries.count)
        for (position, entry) in entries.enumerated() { fresh[ByteKey(entry.key)] = position }
        index = fresh
    }
}

extension JSONObject: Sequence {
    public struct Iterator: IteratorProtocol {
        private var base: IndexingIterator<[Entry]>

        init(_ entries: [Entry]) {
            base = entries.makeIterator()
        }

        public mutating func next() -> Element? {
            base.next().map { ($0.key, $0.value) }
        }
    }

    public func makeIterator() -> Iterator { Iterator(entries) }
    public var underestimatedCount: Int { entries.count }
}

extension JSONObject: Hashable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        // Documents made of one another share what is the same in both.
        if isSameStorage(left.entries, right.entries) { return true }
        for (position, entry) in left.entries.enumerated() {
            // Objects that come from the same source have the same order.
            let other = right.entries[position]
            let value = sameBytes(other.key, entry.key) ? other.value : right[entry.key]
            guard let value, value == entry.value else { return false }
        }
        return true
    }

    public func hash(into hasher: inout Hasher) {
        var combined = 0
        for entry in entries {
            var own = Hasher()
            own.combine(ByteKey(entry.key))
            own.combine(entry.value)
            combined ^= own.finalize()
        }
        hasher.combine(count)
        hasher.combine(combined)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// A key that stands twice keeps its last value.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(minimumCapacity: elements.count)
        for (key, value) in elements { self[key] = value }
    }
}
