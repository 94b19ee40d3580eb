import KubeModel
struct Selector: Sendable { init(parsing: String) throws {}; func matches(_ l: [String:String]) -> Bool { true } }
enum YAMLDocument { static func parse(_ b: [UInt8]) throws -> JSONValue { .null } }
