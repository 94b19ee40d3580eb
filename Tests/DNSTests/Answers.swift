import DNS
import NetworkTypes

/// Asks a responder and reads what it says.
final class Answers {
    var responder: Responder
    var client = Responder.Client(ip: .loopbackV4, isStream: false)
    var now = Responder.Moment(monotonic: 1000, wall: 1_800_000_000)

    init(_ data: ZoneData = ZoneData(), policy: AnswerPolicy = AnswerPolicy(), cache: SharedAnswerCache? = nil) {
        responder = Responder(cookies: ServerCookie(key0: 1, key1: 2), cache: cache, seed: 7)
        responder.data = data
        responder.setPolicy(policy)
    }

    /// The outcome, and the answer's bytes where there is one.
    func ask(
        _ query: [UInt8], given resolution: Responder.Resolution? = nil
    ) -> (outcome: Responder.Outcome, bytes: [UInt8]) {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_535, alignment: 1)
        defer { room.deallocate() }
        var writer = MessageWriter(room)
        let outcome = responder.respond(
            to: query.span, from: client, at: now, given: resolution, into: &writer)
        guard case .answer = outcome else { return (outcome, []) }
        return (outcome, Array(writer.bytes))
    }

    func message(_ query: [UInt8], given resolution: Responder.Resolution? = nil) -> Wire.Message? {
        Wire.Message(ask(query, given: resolution).bytes)
    }

    /// `cluster.local.` with these records.
    static func cluster(_ records: [ZoneRecord], addressNames: Bool = true) -> ZoneData {
        let zone = Wire.name("cluster.local")
        let reverse = [DomainName.v4Reverse, .v6Reverse]
        var names = NameTable(origins: [zone] + reverse, seed: 3)
        names.pin(zone)
        names.apply(removing: [], adding: records)
        let server = Wire.name("ns.dns.cluster.local")
        let contact = Wire.name("hostmaster.cluster.local")
        return ZoneData(
            zones: [
                AuthoritativeZone(
                    name: zone, primary: server, contact: contact, serial: 9, ttl: 5, negativeTTL: 3,
                    addressNames: addressNames ? Wire.name("pod.cluster.local") : nil)
            ]
                + reverse.map {
                    AuthoritativeZone(name: $0, primary: server, contact: contact, fallsThrough: true)
                }, names: names)
    }
}
