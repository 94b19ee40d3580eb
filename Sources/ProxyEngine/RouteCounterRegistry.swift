/// Gives every route a counter of its own that it keeps from snapshot to snapshot, and takes back those of routes that
/// are gone, so that churn does not grow the tables.
struct RouteCounterRegistry: Sendable {
    private var indices: [String: Int32] = [:]
    /// By counter; empty for one that is free.
    private(set) var names: [String] = []
    private var free: [Int32] = []

    /// The counters of `routes`, in order. Routes of the last call that are not among them lose theirs.
    mutating func assign(_ routes: [String]) -> [Int32] {
        let wanted = Set(routes)
        for (name, index) in indices where !wanted.contains(name) {
            indices[name] = nil
            names[Int(index)] = ""
            free.append(index)
        }
        return routes.map { name in
            if let known = indices[name] { return known }
            let index: Int32
            if let reused = free.popLast() {
                index = reused
                names[Int(index)] = name
            } else {
                index = Int32(names.count)
                names.append(name)
            }
            indices[name] = index
            return index
        }
    }
}
