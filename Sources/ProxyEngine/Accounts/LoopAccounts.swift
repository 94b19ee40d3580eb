/// What one loop has done, apart from what its upstreams count themselves.
struct LoopAccounts {
    private struct Route {
        var generation: UInt32 = 0
        var traffic = TrafficCount()
    }

    private var routes: [Route] = []
    private var statuses = [UInt64](repeating: 0, count: 1000)
    var connectionsAccepted: UInt64 = 0
    var tunnels = 0

    /// Begins counters at 0, whoever had their places before.
    mutating func begin(_ counters: [Handle<Party.Routes>]) {
        for counter in counters {
            let index = Int(counter.index)
            if index >= routes.count {
                routes.append(contentsOf: repeatElement(Route(), count: index + 1 - routes.count))
            }
            routes[index] = Route(generation: counter.generation)
        }
    }

    /// Counts a finished exchange. Its route may have gone since it began.
    mutating func count(_ counter: Handle<Party.Routes>, status: Int32, up: Int64, down: Int64) {
        if status > 0, status < 1000 { statuses[Int(status)] += 1 }
        let index = Int(counter.index)
        if index >= 0, index < routes.count, routes[index].generation == counter.generation {
            routes[index].traffic.count(status: status, up: up, down: down)
        }
    }

    func add(to sum: inout ProxyCounters, names: [Handle<Party.Routes>: String]) {
        for (index, route) in routes.enumerated() where route.traffic.requests > 0 {
            guard let name = names[Handle(index: Int32(index), generation: route.generation)] else { continue }
            sum.routes[name, default: ProxyCounters.Traffic()].add(route.traffic)
        }
        for (status, count) in statuses.enumerated() where count > 0 { sum.statuses[status, default: 0] += count }
        sum.connectionsAccepted += connectionsAccepted
        sum.tunnelsOpen += tunnels
    }
}

extension ProxyCounters.Traffic {
    mutating func add(_ count: TrafficCount) {
        requests += count.requests
        for index in 0..<5 { responsesByClass[index] += count.classes[index] }
        bytesUp += count.bytesUp
        bytesDown += count.bytesDown
    }
}
