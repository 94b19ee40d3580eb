import KubeModel

/// The elements of a list that is owned element by element, each with the step that names it.
struct ListElements {
    /// Why an element can't be told from the others.
    struct Unnamed: Error {
        let index: Int
        let message: String
    }

    /// In the list's order; several of the same name stand for what a client has written twice.
    private(set) var names: [FieldElement]
    private(set) var values: [JSONValue]
    /// For long lists only: where each name stands first.
    private var index: [FieldElement: Int]?
    let hasDuplicates: Bool

    /// Elements that have no name are left out and reported.
    init(
        _ list: [JSONValue], _ relation: FieldType.Relation, _ type: FieldType, unnamed: (Unnamed) -> Void = { _ in }
    ) {
        names = []
        values = []
        names.reserveCapacity(list.count)
        values.reserveCapacity(list.count)
        for (place, value) in list.enumerated() {
            do throws(Unnamed) {
                names.append(try Self.name(of: value, at: place, relation, type))
                values.append(value)
            } catch {
                unnamed(error)
            }
        }
        if names.count > Self.linearLimit {
            var index: [FieldElement: Int] = [:]
            index.reserveCapacity(names.count)
            for (place, name) in names.enumerated() where index[name] == nil { index[name] = place }
            self.index = index
            hasDuplicates = index.count < names.count
        } else {
            let names = names
            hasDuplicates = names.indices.contains { place in names[..<place].contains(names[place]) }
        }
    }

    private static let linearLimit = 8

    var count: Int { names.count }

    /// Where the first element of a name is.
    func position(of name: FieldElement) -> Int? {
        if let index { return index[name] }
        return names.firstIndex(of: name)
    }

    subscript(name: FieldElement) -> JSONValue? { position(of: name).map { values[$0] } }

    /// Every element of a name.
    func all(_ name: FieldElement) -> [JSONValue] {
        hasDuplicates
            ? names.indices.filter { names[$0] == name }.map { values[$0] } : self[name].map { [$0] } ?? []
    }

    static func name(
        of value: JSONValue, at place: Int, _ relation: FieldType.Relation, _ type: FieldType
    ) throws(Unnamed) -> FieldElement {
        switch relation {
        case .keyed(let keys):
            guard case .object(let object) = value else {
                throw Unnamed(
                    index: place,
                    message: value.isNull
                        ? "associative list with keys may not have a null element"
                        : "associative list with keys may not have non-map elements")
            }
            var found: [(String, JSONValue)] = []
            found.reserveCapacity(keys.count)
            for key in keys {
                guard let own = object[key] ?? type.defaultValue(of: key) else {
                    throw Unnamed(
                        index: place,
                        message: "associative list with keys has an element that omits key field \(goQuoted(key)) "
                            + "(and doesn't have default value)")
                }
                found.append((key, own))
            }
            return .listKey(found)
        default:
            switch value {
            case .object:
                throw Unnamed(index: place, message: "associative list without keys has an element that's a map type")
            case .array:
                throw Unnamed(index: place, message: "not supported: associative list with lists as elements")
            case .null:
                throw Unnamed(
                    index: place, message: "associative list without keys has an element that's an explicit null")
            default: return .setValue(value)
            }
        }
    }
}
