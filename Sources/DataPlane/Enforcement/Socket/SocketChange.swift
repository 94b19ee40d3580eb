import BPF
import NetworkTypes

/// One thing that is done to the maps.
enum SocketChange: Hashable {
    case setFrontend(FrontendKey, SocketFront)
    case removeFrontend(FrontendKey)
    case setEndpoint(row: UInt32, number: Int, SocketAddress)
    case removeEndpoint(row: UInt32, number: Int)
    case addMember(SocketMember)
    case removeMember(SocketMember)

    /// Whether it makes a map longer, or may.
    var isAddition: Bool {
        switch self {
        case .setFrontend, .setEndpoint, .addMember: true
        case .removeFrontend, .removeEndpoint, .removeMember: false
        }
    }

    /// Does it.
    func carryOut(in system: any BPFSystem, _ maps: [String: BPFObject]) throws(BPFError) {
        func map(_ name: String) throws(BPFError) -> BPFObject {
            guard let map = maps[name] else { throw .malformed("no map \(name)") }
            return map
        }
        switch self {
        case .setFrontend(let key, let front):
            try system.set(map(SocketMaps.frontends), SocketMaps.key(key), SocketMaps.value(front))
        case .removeFrontend(let key): try system.remove(map(SocketMaps.frontends), SocketMaps.key(key))
        case .setEndpoint(let row, let number, let endpoint):
            try system.set(map(SocketMaps.endpoints), SocketMaps.slot(row, number), SocketMaps.value(endpoint))
        case .removeEndpoint(let row, let number):
            try system.remove(map(SocketMaps.endpoints), SocketMaps.slot(row, number))
        case .addMember(let member):
            try system.set(
                map(SocketMaps.members), SocketMaps.member(member.row, member.endpoint), SocketMaps.present)
        case .removeMember(let member):
            try system.remove(map(SocketMaps.members), SocketMaps.member(member.row, member.endpoint))
        }
    }
}
