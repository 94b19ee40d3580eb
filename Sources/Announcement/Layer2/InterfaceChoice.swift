/// On which interfaces an address is announced.
package struct InterfaceChoice: Hashable, Sendable {
    /// Those that lead out of the machine (`Link.isOuter`).
    package var includesOuter: Bool
    /// Those of these names, wherever they lead.
    package var names: Set<String>

    package init(includesOuter: Bool, names: Set<String> = []) {
        self.includesOuter = includesOuter
        self.names = names
    }

    /// What is meant where nobody names interfaces.
    package static let outer = InterfaceChoice(includesOuter: true)

    package static func named(_ names: Set<String>) -> InterfaceChoice {
        InterfaceChoice(includesOuter: false, names: names)
    }

    package func contains(_ link: Link) -> Bool { includesOuter && link.isOuter || names.contains(link.name) }

    /// What either means.
    package func union(_ other: InterfaceChoice) -> InterfaceChoice {
        InterfaceChoice(includesOuter: includesOuter || other.includesOuter, names: names.union(other.names))
    }
}
