/// Which units are followed, of those that Pods name: who came first stays. Pure.
struct UnitChoice {
    /// More than the services that a machine runs beside each other; each costs systemd an answer at every change.
    static let limit = 256

    private(set) var followed: Set<String> = []

    /// Returns whether ``followed`` is something else now.
    mutating func choose(among wanted: Set<String>) -> Bool {
        var chosen = followed.intersection(wanted)
        if chosen.count < Self.limit {
            chosen.formUnion(wanted.subtracting(chosen).sorted().prefix(Self.limit - chosen.count))
        }
        defer { followed = chosen }
        return followed != chosen
    }
}
