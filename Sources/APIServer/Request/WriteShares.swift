import Transport

/// Who has how many of the places for writes: one sender has half of them at most, and a quarter more than there are for all
/// others is for senders on the unix socket.
struct WriteShares {
    private let maxPlaces: Int
    private(set) var places = 0
    private var held: [RequestSender?: Int] = [:]

    init(maxPlaces: Int) {
        self.maxPlaces = maxPlaces
    }

    /// Takes a place.
    /// - Returns: whether there was one.
    mutating func enter(_ sender: RequestSender?) -> Bool {
        let own = held[sender] ?? 0
        let reserve = sender?.isLocal == true ? maxPlaces / 4 : 0
        guard places < maxPlaces + reserve, own < max(maxPlaces / 2, 1) else { return false }
        places += 1
        held[sender] = own + 1
        return true
    }

    /// Gives a place back.
    mutating func leave(_ sender: RequestSender?) {
        places -= 1
        guard let own = held[sender] else { return }
        held[sender] = own > 1 ? own - 1 : nil
    }
}
