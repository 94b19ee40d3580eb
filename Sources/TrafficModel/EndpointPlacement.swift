/// Where an endpoint runs, and whom it is meant for first.
struct EndpointPlacement: Hashable, Sendable {
    /// The node that it runs on, where known.
    var nodeName: String?
    /// The nodes that it is meant for first; empty where there is no such hint.
    var nodeHints: [String] = []
    /// The zones that it is meant for first; empty where there is no such hint.
    var zoneHints: [String] = []

    /// Nothing is known.
    var isEmpty: Bool { nodeName == nil && nodeHints.isEmpty && zoneHints.isEmpty }
}

/// A placement that any number of endpoints refer to. Equal by what it says.
final class SharedPlacement: Hashable, Sendable {
    let value: EndpointPlacement

    init(_ value: EndpointPlacement) { self.value = value }

    static func == (left: SharedPlacement, right: SharedPlacement) -> Bool {
        left === right || left.value == right.value
    }

    func hash(into hasher: inout Hasher) { hasher.combine(value) }
}
