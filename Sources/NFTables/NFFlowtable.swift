/// A fast path: established flows between these devices skip the rules.
package struct NFFlowtable: Hashable, Sendable {
    package var name: String
    package var devices: [String]
    package var priority: Int32

    package init(_ name: String, devices: [String], priority: Int32 = 0) {
        self.name = name
        self.devices = devices
        self.priority = priority
    }
}
