/// A port that a Service serves on its address.
struct ServedPort: Hashable, Sendable, Comparable, CustomStringConvertible {
    var transport: String
    var port: Int

    var description: String { "\(transport)/\(port)" }

    static func < (left: ServedPort, right: ServedPort) -> Bool {
        (left.transport, left.port) < (right.transport, right.port)
    }
}
