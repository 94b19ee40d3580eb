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
        let number = count - start
        count = start
        return Array(unsafeUninitializedCapacity: number) { buffer, initialized in
            buffer.baseAddress?.moveInitialize(from: storage + start, count: number)
            initialized = number
        }
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

    /// `place` must be below `count`.
    mutating func replaceValue(at place: Int, _ value: JSONValue) {
        storage?[place].value = value
    }
}

/// Remembers the strings made for keys longer than 15 bytes, which Swift would allocate anew each time: lists repeat
/// `creationTimestamp` and its like thousands of times.
struct JSONKeyCache: ~Copyable {
    static let maximumLength = 64
    private static let size = 64

    private struct Slot {
        var bytes: UnsafePointer<UInt8>
        var text: String
    }

    private var slots: [Slot?] = []

    /// The string of `count` ASCII bytes, more than 8 of them, that outlive the cache.
    mutating func text(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> String {
        if slots.isEmpty { slots = Array(repeating: nil, count: JSONKeyCache.size) }
        let raw = UnsafeRawPointer(bytes)
        let head = raw.loadUnaligned(as: UInt64.self)
        let tail = raw.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
        let mixed = (head ^ (tail &* 0x9e37_79b9_7f4a_7c15) ^ UInt64(count)) &* 0xff51_afd7_ed55_8ccd
        let place = Int(mixed >> 58)
        if let slot = slots[place], slot.text.utf8.count == count, equal(slot.bytes, bytes, count) {
            return slot.text
        }
        let text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
        slots[place] = Slot(bytes: bytes, text: text)
        return text
    }

    private func equal(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        for offset in 0..<count where left[offset] != right[offset] { return false }
        return true
    }
}
