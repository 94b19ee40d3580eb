/// The endpoints that a request has been tried on, so that none of them gets it again while there is another. Pure, and no
/// larger than the attempts that there may be.
struct TriedEndpoints: BitwiseCopyable {
    static var capacity: Int { 8 }

    // Slots are enough: whoever got one anew since is passed over, and taken when nobody else is there.
    private var slots = InlineArray<8, Int32>(repeating: -1)
    private var count: Int32 = 0

    init() {}

    var isEmpty: Bool { count == 0 }

    /// Takes note of one; beyond the capacity of none.
    mutating func insert(_ endpoint: Handle<Party.Endpoints>) {
        guard Int(count) < Self.capacity else { return }
        slots[Int(count)] = endpoint.index
        count += 1
    }

    func contains(_ endpoint: Handle<Party.Endpoints>) -> Bool {
        for position in 0..<Int(count) where slots[position] == endpoint.index { return true }
        return false
    }
}
