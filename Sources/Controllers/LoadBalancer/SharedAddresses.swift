import NetworkTypes

/// The addresses of one pool that Services with one sharing key have, and where to look among them for one with room.
struct SharedAddresses: Sendable {
    /// In ascending order.
    private(set) var addresses: [IPAddress] = []
    /// By what is to be served: below this place every address has one of the ports.
    private var places: [Set<ServedPort>: Int] = [:]

    /// How many places are remembered; they are found again at some cost.
    private static let maximumPlaces = 1024

    /// The lowest address with room for the ports. `hasRoom` must depend on the address and the ports only.
    mutating func first(for ports: Set<ServedPort>, hasRoom: (IPAddress) -> Bool) -> IPAddress? {
        var place = places[ports] ?? 0
        while place < addresses.count, !hasRoom(addresses[place]) { place += 1 }
        if places.count >= Self.maximumPlaces, places[ports] == nil { places = [:] }
        places[ports] = place
        return place < addresses.count ? addresses[place] : nil
    }

    mutating func insert(_ address: IPAddress) {
        let index = place(of: address)
        if index < addresses.count, addresses[index] == address { return }
        addresses.insert(address, at: index)
        lookAgain(from: index)
    }

    /// Notes that a Service let go of the address; `isUnused`: the last one with the key.
    mutating func release(_ address: IPAddress, isUnused: Bool) {
        let index = place(of: address)
        guard index < addresses.count, addresses[index] == address else { return }
        if isUnused { addresses.remove(at: index) }
        lookAgain(from: index)
    }

    private mutating func lookAgain(from index: Int) {
        for (ports, place) in places where place > index { places[ports] = index }
    }

    private func place(of address: IPAddress) -> Int {
        var (low, high) = (0, addresses.count)
        while low < high {
            let middle = (low + high) / 2
            if addresses[middle] < address { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
