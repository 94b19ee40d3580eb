import KubeModel

/// Every resource one server serves, in discovery order. Immutable: a change of kinds builds another registry.
package struct ResourceRegistry: Sendable {
    /// In the order discovery lists them: groups by first appearance, resources by name within a version.
    package let strategies: [any ResourceStrategy]

    private let byPath: [String: Int]

    package init(_ strategies: [any ResourceStrategy]) {
        self.strategies = strategies
        var byPath: [String: Int] = [:]
        byPath.reserveCapacity(strategies.count)
        for (index, strategy) in strategies.enumerated() {
            let definition = strategy.definition
            byPath[Self.key(definition.group, definition.version, definition.plural)] = index
        }
        self.byPath = byPath
    }

    /// Position in `strategies` of what `/apis/GROUP/VERSION/PLURAL` names (`group` "" for `/api/v1`).
    package func index(group: String, version: String, plural: String) -> Int? {
        byPath[Self.key(group, version, plural)]
    }

    package func strategy(group: String, version: String, plural: String) -> (any ResourceStrategy)? {
        index(group: group, version: version, plural: plural).map { strategies[$0] }
    }

    private static func key(_ group: String, _ version: String, _ plural: String) -> String {
        "\(group)/\(version)/\(plural)"
    }
}
