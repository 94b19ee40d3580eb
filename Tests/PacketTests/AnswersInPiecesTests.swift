import DNS
import Glibc
import NetworkTypes
import Testing
import Transport

private let canMakeNamespaces = geteuid() == 0

/// Whoever can have a server split its datagrams can put a piece of his own in the place of one of them, for which he has
/// neither an id nor a port to guess ("Fragmentation Considered Poisonous", 2013).
@Suite("Answers in pieces", .serialized, .enabled(if: canMakeNamespaces, "a namespace needs root"))
struct AnswersInPiecesTests {
    /// What a client and an upstream server say to each other: blocking, for ten seconds at most.
    private struct Conversation {
        struct Failure: Error, CustomStringConvertible {
            let description: String
        }

        static func limited(_ descriptor: Int32) -> Int32 {
            var time = timeval(tv_sec: 10, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
            return descriptor
        }

        static func read(_ descriptor: Int32, _ what: String) throws -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: 65_535)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            guard count > 0 else { throw Failure(description: "\(what): \(String(cString: strerror(errno)))") }
            return Array(bytes[..<count])
        }
    }

    private static let query: [UInt8] =
        [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3] + Array("www".utf8) + [7] + Array("example".utf8)
        + [3] + Array("com".utf8) + [0, 0, 1, 0, 1]

    /// So many addresses, of which the last byte counts.
    private static func answer(_ id: ArraySlice<UInt8>, _ count: UInt8, network: [UInt8]) -> [UInt8] {
        var bytes = Array(id) + [0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0] + query[12...]
        for number in 0..<count { bytes += [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4] + network + [number] }
        return bytes
    }

    @Test func `what the network split is asked again by TCP, and nothing of it is answered`() throws {
        let site = try Namespace()
        try site.configure("link set lo mtu 600 up")
        try site.run {
            let loops = try EventLoop.group(count: 1, name: "names")
            let server = NameServer(loops: loops)
            let own = try server.listen(SocketAddress(ip: .loopbackV4, port: 0))
            let asked = Conversation.limited(try Socket.bindUDP(SocketAddress(ip: .loopbackV4, port: 0)))
            let upstream = try #require(Socket.localAddress(asked))
            // Routers split what may be split.
            var mayBeSplit: Int32 = 0
            setsockopt(asked, Int32(IPPROTO_IP), IP_MTU_DISCOVER, &mayBeSplit, 4)
            let listener = Conversation.limited(try Socket.listen(upstream))
            var policy = AnswerPolicy()
            policy.forwardedZones = [ForwardedZone(servers: [upstream])]
            server.setPolicy(policy)
            let client = Conversation.limited(try Socket.connectUDP(own))
            defer { for descriptor in [asked, listener, client] { Socket.close(descriptor) } }

            try #require(send(client, Self.query, Self.query.count, 0) == Self.query.count)
            var peer = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            var question = [UInt8](repeating: 0, count: 1500)
            let count = withUnsafeMutablePointer(to: &peer) { peer in
                peer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(asked, &question, question.count, 0, $0, &length)
                }
            }
            try #require(count > 12)
            // Of three pieces, with an id and a port that are right.
            let forged = Self.answer(question[..<2], 70, network: [6, 6, 6])
            #expect(forged.count > 600 && forged.count < 1232)
            let sent = withUnsafePointer(to: peer) { peer in
                peer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(asked, forged, forged.count, 0, $0, length)
                }
            }
            try #require(sent == forged.count)
            let connection = Conversation.limited(accept(listener, nil, nil))
            defer { Socket.close(connection) }
            var frame = try Conversation.read(connection, "the question by TCP")
            while frame.count < 2 { frame += try Conversation.read(connection, "the rest of it") }
            while frame.count < 4 { frame += try Conversation.read(connection, "the rest of it") }
            let honest = Self.answer(frame[2..<4], 1, network: [192, 0, 2])
            let framed = [UInt8(honest.count >> 8), UInt8(honest.count & 255)] + honest
            try #require(send(connection, framed, framed.count, Int32(MSG_NOSIGNAL)) == framed.count)
            let answered = try Conversation.read(client, "the answer")
            #expect(answered[7] == 1 && answered.suffix(4) == [192, 0, 2, 0])
            for loop in loops { loop.stop() }
        }
    }

    @Test(arguments: IPFamily.allCases)
    func `the kernel says of each datagram whether it came whole`(family: IPFamily) throws {
        let site = try Namespace()
        try site.configure("link set lo mtu 1280 up")
        try site.run {
            let ip: IPAddress = family == .v4 ? .loopbackV4 : .loopbackV6
            let sender = try Socket.bindUDP(SocketAddress(ip: ip, port: 0))
            var mayBeSplit: Int32 = 0
            if family == .v4 { setsockopt(sender, Int32(IPPROTO_IP), IP_MTU_DISCOVER, &mayBeSplit, 4) }
            let receiver = Conversation.limited(try Socket.connectUDP(try #require(Socket.localAddress(sender))))
            defer { for descriptor in [sender, receiver] { Socket.close(descriptor) } }
            Socket.tellPieces(receiver, family)
            let address = try #require(Socket.localAddress(receiver))
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 8)
            defer { room.deallocate() }
            for size in [100, 1400, 100] {
                let bytes = [UInt8](repeating: 7, count: size)
                bytes.withUnsafeBytes { Socket.sendDatagram(sender, $0, to: address) }
                let (transfer, isInPieces) = Socket.readDatagram(receiver, into: room)
                guard case .bytes(size) = transfer else {
                    Issue.record("\(size) bytes: \(transfer)")
                    continue
                }
                #expect(isInPieces == (size > 1280))
            }
        }
    }
}
