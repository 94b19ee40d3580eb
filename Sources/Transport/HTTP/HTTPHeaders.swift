/// Header fields in order; names compare without regard to ASCII case. Lookups are linear: requests have a dozen.
package struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral, RandomAccessCollection {
    package struct Field: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package private(set) var fields: [Field] = []

    package init() {}

    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    package var startIndex: Int { fields.startIndex }
    package var endIndex: Int { fields.endIndex }
    package subscript(position: Int) -> Field { fields[position] }

    /// The first value of that name. Setting replaces all fields of the name; nil removes them.
    package subscript(name: String) -> String? {
        get {
            for field in fields where Self.matches(field.name, name) { return field.value }
            return nil
        }
        set {
            fields.removeAll { Self.matches($0.name, name) }
            if let newValue { fields.append(Field(name: name, value: newValue)) }
        }
    }

    /// All values of that name, in order.
    package func values(_ name: String) -> [String] {
        fields.filter { Self.matches($0.name, name) }.map(\.value)
    }

    package func contains(name: String) -> Bool {
        fields.contains { Self.matches($0.name, name) }
    }

    /// Adds a field after those that exist.
    package mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    package mutating func reserveCapacity(_ count: Int) { fields.reserveCapacity(count) }

    private static func matches(_ a: String, _ b: String) -> Bool {
        let a = a.utf8
        let b = b.utf8
        guard a.count == b.count else { return false }
        var index = b.startIndex
        for byte in a {
            let other = b[index]
            if byte != other, byte.asciiLowercased != other.asciiLowercased { return false }
            b.formIndex(after: &index)
        }
        return true
    }
}

extension UInt8 {
    /// A–Z become a–z; everything else stays.
    @inline(__always)
    var asciiLowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}
