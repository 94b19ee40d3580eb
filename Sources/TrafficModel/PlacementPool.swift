import Synchronization

/// Has each placement in memory once, however many endpoints have it: of 100,000 endpoints there are about as many placements
/// as nodes. Holds at most twice as many as are in use, and 1,024 more.
struct PlacementPool {
    /// That of the process.
    static let shared = Mutex(PlacementPool())

    private var placements: [EndpointPlacement: SharedPlacement] = [:]
    /// Those held before unused ones are looked for.
    private var sweepAt = 1024

    var count: Int { placements.count }

    /// Nil for a placement that says nothing.
    mutating func share(_ placement: EndpointPlacement) -> SharedPlacement? {
        guard !placement.isEmpty else { return nil }
        if let known = placements[placement] { return known }
        if placements.count >= sweepAt { sweep() }
        let new = SharedPlacement(placement)
        placements[placement] = new
        return new
    }

    /// Forgets those that no endpoint refers to: nobody but the pool can give one of them out again.
    private mutating func sweep() {
        var unused: [EndpointPlacement] = []
        var index = placements.startIndex
        while index != placements.endIndex {
            if isKnownUniquelyReferenced(&placements.values[index]) { unused.append(placements[index].key) }
            placements.formIndex(after: &index)
        }
        for placement in unused { placements[placement] = nil }
        // Twice what is left: the cost of sweeping stays constant for each new one.
        sweepAt = max(1024, placements.count * 2)
    }
}
