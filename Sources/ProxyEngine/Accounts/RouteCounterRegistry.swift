/// Gives every route a counter of its own that it keeps from snapshot to snapshot, and takes back those of routes that
/// are gone, so that churn does not grow the tables. A counter that is handed on is another one by its generation:
/// nothing that its last route did is counted for the next.
struct RouteCounterRegistry: Sendable {
    struct Assignment: Sendable {
        /// In the order of the routes.
        var counters: [Handle<Party.Routes>] = []
        /// Those among them that begin with this assignment.
        var fresh: [Handle<Party.Routes>] = []
    }

    /// By the bytes of a name: paths that Unicode holds to be equivalent are two routes.
    private var counterOfName: [[UInt8]: Handle<Party.Routes>] = [:]
    private var free: [Handle<Party.Routes>] = []
    private var end: Int32 = 0

    /// Counters in use, with their routes' names.
    var names: [Handle<Party.Routes>: String] {
        Dictionary(uniqueKeysWithValues: counterOfName.map { ($0.value, String(decoding: $0.key, as: UTF8.self)) })
    }

    /// The counters of `routes`, in order. Routes of the last call that are not among them lose theirs.
    mutating func assign(_ routes: [String]) -> Assignment {
        let routes = routes.map { Array($0.utf8) }
        let wanted = Set(routes)
        for (name, counter) in counterOfName where !wanted.contains(name) {
            counterOfName[name] = nil
            free.append(counter)
        }
        var assignment = Assignment()
        assignment.counters.reserveCapacity(routes.count)
        for name in routes {
            if let known = counterOfName[name] {
                assignment.counters.append(known)
                continue
            }
            let counter: Handle<Party.Routes>
            if let reused = free.popLast() {
                counter = Handle(index: reused.index, generation: reused.generation &+ 1)
            } else {
                counter = Handle(index: end, generation: 1)
                end += 1
            }
            counterOfName[name] = counter
            assignment.counters.append(counter)
            assignment.fresh.append(counter)
        }
        return assignment
    }
}
