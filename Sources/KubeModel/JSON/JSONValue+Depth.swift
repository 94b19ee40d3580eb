extension JSONValue {
    /// Whether arrays and objects lie inside of each other on more than `limit` levels. Looks no deeper than that.
    public func nests(deeperThan limit: Int) -> Bool {
        switch self {
        case .array(let elements): limit <= 0 || elements.contains { $0.nests(deeperThan: limit - 1) }
        case .object(let object): limit <= 0 || object.contains { $0.value.nests(deeperThan: limit - 1) }
        default: false
        }
    }
}
