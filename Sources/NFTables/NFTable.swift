/// A table: the unit that has an owner. Everything below is named by it.
package struct NFTable: Hashable, Sendable, CustomStringConvertible {
    package var family: NFFamily
    package var name: String

    package init(_ family: NFFamily, _ name: String) {
        self.family = family
        self.name = name
    }

    package var description: String { "table \(family) \(name)" }
}
