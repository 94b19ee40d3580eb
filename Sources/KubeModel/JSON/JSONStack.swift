/// A growing stack whose top part can be moved into an array of exactly its size.
struct JSONStack<Element>: ~Copyable {
    private var storage: UnsafeMutablePointer<Element>?
    private var capacity = 0
    private(set) var count = 0

    mutating func push(_ element: consuming Element) {
        if count == capacity { grow() }
        storage?.advanced(by: count).initialize(to: element)
        count += 1
    }

    /// Takes everything above the first `start` elements, in order.
    mutating func popAll(from start: Int) -> [Element] {
        guard let storage else { return [] }
        // `Array(unsafeUninitializedCapacity:)` would look up the type of its storage each time.
        var taken: [Element] = []
        taken.reserveCapacity(count - start)
        for place in start..<count { taken.append((storage + place).move()) }
        count = start
        return taken
    }

    private mutating func grow() {
        let larger = max(32, capacity * 2)
        let fresh = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        if let storage {
            fresh.moveInitialize(from: storage, count: count)
            storage.deallocate()
        }
        storage = fresh
        capacity = larger
    }

    deinit {
        storage?.deinitialize(count: count)
        storage?.deallocate()
    }
}

extension JSONStack<JSONObject.Entry> {
    /// `place` must be below `count`.
    func key(at place: Int) -> String {
        storage.map { $0[place].key } ?? ""
    }

    /// How far above the first `start` entries one has the key; nil where none has.
    func offset(of key: String, from start: Int) -> Int? {
        guard let storage else { return nil }
        for place in start..<count where sameBytes(storage[place].key, key) { return place - start }
        return nil
    }

    /// `place` must be below `count`.
    mutating func replaceValue(at place: Int, _ value: JSONValue) {
        storage?[place].value = value
    }
}
