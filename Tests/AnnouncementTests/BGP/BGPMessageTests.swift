import Announcement
import NetworkTypes
import TestSupport
import Testing

@Suite("BGP messages")
struct BGPMessageTests {
    private static let conventions = BGPReceivedUpdate.Conventions(fourOctetASN: true, isInternal: true)

    private func read(
        _ bytes: [UInt8], _ conventions: BGPReceivedUpdate.Conventions = conventions
    ) throws(BGPNotification) -> BGPReceivedMessage? {
        var stream = BGPMessageStream()
        stream.append(bytes)
        return try stream.next(conventions)
    }

    private static func frame(_ type: UInt8, _ body: [UInt8], length: Int? = nil) -> [UInt8] {
        let size = length ?? 19 + body.count
        return [UInt8](repeating: 0xff, count: 16) + [UInt8(size >> 8), UInt8(size & 255), type] + body
    }

    @Test func `an OPEN is read as it was written, with each capability`() throws {
        let open = BGPOpen(
            asn: 4_200_000_000, holdTime: 90, identifier: 0x0a00_0001,
            capabilities: [
                .multiprotocol(.ipv4Unicast), .multiprotocol(.ipv6Unicast), .routeRefresh,
                .extendedNextHop([.ipv4OverIPv6]),
                .gracefulRestart(
                    BGPGracefulRestart(
                        isRestarting: true, restartTime: 120,
                        families: [
                            .init(.ipv4Unicast, isForwardingPreserved: true),
                            .init(.ipv6Unicast, isForwardingPreserved: false),
                        ])),
                .unknown(code: 73, value: [1, 2, 3]),
            ])
        let bytes = try #require(BGPMessage.open(open).encoded(fourOctetASN: true))
        let message = try read(bytes)
        #expect(message == .open(open))
        #expect(open.shortASN == 23456)
        #expect(open.asn == 4_200_000_000)
    }

    @Test func `capabilities beyond 255 bytes travel in the long form of RFC 9072`() throws {
        let many = (0..<60).map { BGPCapability.unknown(code: 200, value: [$0, 1, 2, 3]) }
        let open = BGPOpen(shortASN: 64512, holdTime: 0, identifier: 1, capabilities: many)
        let bytes = try #require(BGPMessage.open(open).encoded(fourOctetASN: true))
        #expect(bytes[28] == 255 && bytes[29] == 255)
        #expect(try read(bytes) == .open(open))
    }

    @Test func `several capabilities in one parameter are all read`() throws {
        let body: [UInt8] = [4, 0xfb, 0xf4, 0, 90, 1, 1, 1, 1, 10, 2, 8, 2, 0, 65, 4, 0, 1, 0, 0]
        let message = try read(Self.frame(1, body))
        guard case .open(let open) = message else {
            Issue.record("read as \(String(describing: message))")
            return
        }
        #expect(open.capabilities == [.routeRefresh, .fourOctetASN(65536)])
        #expect(open.families == [.ipv4Unicast])
    }

    @Test(
        arguments: [
            ([3, 0, 1, 0, 90, 1, 1, 1, 1, 0], BGPNotification.unsupportedVersion),
            ([4, 0, 1, 0, 90, 1, 1, 1, 1, 9], .unspecificOpen),
            ([4, 0, 1, 0, 90, 1, 1, 1, 1, 2, 1, 0], .unsupportedParameter),
            ([4, 0, 1, 0, 90, 1, 1, 1, 1, 4, 2, 2, 65, 4], .unspecificOpen),
            ([4, 0, 1, 0, 90, 1, 1, 1, 1, 3, 2, 9, 1], .unspecificOpen),
        ] as [([UInt8], BGPNotification)])
    func `an OPEN that cannot be read is refused by the number of its error`(
        _ body: [UInt8], _ notification: BGPNotification
    ) {
        #expect(throws: notification) { try read(Self.frame(1, body)) }
    }

    @Test func `a header that is wrong ends the session`() {
        var marker = Self.frame(4, [])
        marker[3] = 0
        #expect(throws: BGPNotification.notSynchronized) { try read(marker) }
        // Also where the rest of the header never comes.
        #expect(throws: BGPNotification.notSynchronized) { try read(Array("GET / HTTP".utf8)) }
        #expect(throws: BGPNotification.badLength(18)) { try read(Self.frame(4, [], length: 18)) }
        #expect(throws: BGPNotification.badLength(4097)) { try read(Self.frame(2, [], length: 4097)) }
        #expect(throws: BGPNotification.badLength(20)) { try read(Self.frame(4, [0])) }
        #expect(throws: BGPNotification.badLength(28)) { try read(Self.frame(1, [UInt8](repeating: 0, count: 9))) }
        #expect(throws: BGPNotification.badLength(22)) { try read(Self.frame(2, [0, 0, 0])) }
        #expect(throws: BGPNotification.badLength(20)) { try read(Self.frame(3, [6])) }
        #expect(throws: BGPNotification.badType(6)) { try read(Self.frame(6, [])) }
        #expect(throws: BGPNotification.badRouteRefresh(Self.frame(5, [0, 1, 0]))) {
            try read(Self.frame(5, [0, 1, 0]))
        }
    }

    @Test func `messages are found however their bytes are cut`() throws {
        let messages: [BGPMessage] = [
            .keepalive, .routeRefresh(.ipv6Unicast), .notification(.shutdown("bye")), .keepalive,
        ]
        let bytes = messages.flatMap { $0.encoded(fourOctetASN: true) ?? [] }
        for size in 1...bytes.count {
            var stream = BGPMessageStream()
            var types: [BGPMessageType] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                stream.append(rest.prefix(size))
                rest = rest.dropFirst(size)
                while let message = try stream.next(Self.conventions) { types.append(message.type) }
            }
            #expect(types == messages.map(\.type))
        }
    }

    @Test(arguments: [true, false])
    func `an UPDATE is read as it was written`(_ fourOctets: Bool) throws {
        var random = SeededRandom(seed: fourOctets ? 1 : 2)
        for _ in 0..<500 {
            var update = BGPUpdate()
            update.attributes.origin = .igp
            let highest: UInt32 = fourOctets ? .max : 65535
            update.attributes.asPath = (0..<Int.random(in: 0...2, using: &random)).map { _ in
                .sequence(
                    (0..<Int.random(in: 1...4, using: &random)).map { _ in .random(in: 1...highest, using: &random) })
            }
            update.attributes.localPreference = .random(in: 0...(.max), using: &random)
            update.attributes.communities = (0..<Int.random(in: 0...90, using: &random)).map { _ in
                BGPCommunity(rawValue: .random(in: 0...(.max), using: &random))
            }
            update.attributes.largeCommunities = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                BGPLargeCommunity(
                    globalAdministrator: .random(in: 0...(.max), using: &random),
                    data1: .random(in: 0...(.max), using: &random), data2: .random(in: 0...(.max), using: &random))
            }
            update.attributes.nextHop = IPAddress(v4: .random(in: 0...(.max), using: &random))
            update.announced = Self.prefixes(.v4, &random)
            update.withdrawn = Self.prefixes(.v4, &random)
            update.attributes.reachable = .init(
                family: .ipv6Unicast, nextHop: [UInt8](repeating: 7, count: Bool.random(using: &random) ? 16 : 32),
                prefixes: Self.prefixes(.v6, &random))
            update.attributes.unreachable = .init(family: .ipv6Unicast, prefixes: Self.prefixes(.v6, &random))
            let bytes = try #require(BGPMessage.update(update).encoded(fourOctetASN: fourOctets))
            let message = try read(bytes, .init(fourOctetASN: fourOctets, isInternal: true))
            #expect(message == .update(BGPReceivedUpdate(update)))
        }
    }

    private static func prefixes(_ family: IPFamily, _ random: inout SeededRandom) -> [CIDR] {
        (0..<Int.random(in: 0...20, using: &random)).compactMap { _ in
            let bytes = (0..<family.bitWidth / 8).map { _ in UInt8.random(in: 0...255, using: &random) }
            return IPAddress(bytes: bytes).flatMap {
                CIDR(address: $0, prefixLength: .random(in: 0...family.bitWidth, using: &random))?.masked
            }
        }
    }

    @Test func `an AS number of four octets reaches an old peer in AS4_PATH`() throws {
        var update = BGPUpdate()
        update.attributes.origin = .igp
        update.attributes.asPath = [.sequence([4_200_000_000])]
        update.attributes.nextHop = IPAddress("10.0.0.1")
        update.announced = [try #require(CIDR("192.0.2.0/24"))]
        let bytes = try #require(BGPMessage.update(update).encoded(fourOctetASN: false))
        let message = try read(bytes, .init(fourOctetASN: false, isInternal: false))
        guard case .update(let received) = message else { return }
        #expect(received.update.attributes.asPath == [.sequence([23456])])
        #expect(bytes.split(separator: [0xc0, 17, 6, 2, 1, 0xfa, 0x56, 0xea, 0]).count == 2)
    }

    @Test func `the End-of-RIB markers are known as such`() throws {
        for family in [BGPAddressFamily.ipv4Unicast, .ipv6Unicast] {
            let bytes = try #require(BGPMessage.update(.endOfRIB(family)).encoded(fourOctetASN: true))
            guard case .update(let update) = try read(bytes) else {
                Issue.record("not an UPDATE")
                return
            }
            #expect(update.endOfRIB == family)
        }
    }

    @Test func `bytes that change on the way never stop the program`() throws {
        var random = SeededRandom(seed: 3)
        var update = BGPUpdate()
        update.attributes.origin = .igp
        update.attributes.asPath = [.sequence([64512])]
        update.attributes.communities = [BGPCommunity(rawValue: 1)]
        update.attributes.reachable = .init(
            family: .ipv6Unicast, nextHop: [UInt8](repeating: 1, count: 16), prefixes: Self.prefixes(.v6, &random))
        let originals = try [
            BGPMessage.update(update),
            .open(BGPSessionConfiguration(localASN: 1, peerASN: .other, identifier: 1).testOpen),
            .notification(.shutdown("words")),
        ].map { try #require($0.encoded(fourOctetASN: true)) }
        var read = 0
        for _ in 0..<30_000 {
            var bytes = originals.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 16..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            if let message = try? self.read(bytes) { read += message.type == .open ? 1 : 0 }
        }
        // Some still mean something.
        #expect(read > 0)
    }

    @Test func `words at a shutdown are cut at 255 bytes and shown without control characters`() {
        let long = BGPNotification.shutdown(String(repeating: "ä", count: 200))
        #expect(long.data.count <= 256)
        #expect(long.shutdownCommunication == String(repeating: "ä", count: 127))
        let nasty = BGPNotification(code: 6, subcode: 2, data: [3, 0x61, 0x0a, 0x62])
        #expect(nasty.description == "cease: administrative shutdown (\"a?b\")")
        #expect(BGPNotification(code: 6, subcode: 2, data: [9, 0x61]).shutdownCommunication == nil)
        #expect(BGPNotification(code: 6, subcode: 2, data: [1, 0xff]).shutdownCommunication == nil)
    }

    @Test(arguments: [
        ("64512:7", 0xfc00_0007 as UInt32?), ("0:0", 0), ("65535:65281", 0xffff_ff01), ("no-export", 0xffff_ff01),
        ("blackhole", 0xffff_029a), ("65536:1", nil), ("1:65536", nil), ("1", nil), ("1:2:3", nil), ("+1:2", nil),
        (":", nil), ("a:b", nil),
    ])
    func `a community is read from its text`(_ text: String, _ value: UInt32?) {
        #expect(BGPCommunity(text)?.rawValue == value)
    }

    @Test(arguments: [
        ("large:64512:1:2", "64512:1:2" as String?), ("4294967295:0:1", "4294967295:0:1"), ("large:1:2", nil),
        ("large:4294967296:1:2", nil), ("large:-1:1:2", nil), ("1:2", nil),
    ])
    func `a large community is read from its text`(_ text: String, _ value: String?) {
        #expect(BGPLargeCommunity(text)?.description == value)
    }
}

extension BGPSessionConfiguration {
    /// An OPEN of somebody with this configuration.
    var testOpen: BGPOpen {
        BGPOpen(
            asn: localASN, holdTime: holdTime, identifier: identifier,
            capabilities: families.sorted { $0.bitWidth < $1.bitWidth }.map { .multiprotocol(.init(unicast: $0)) })
    }
}
