import DNS
import NetworkTypes
import TestSupport
import Transport

/// A name server on loops of its own, for as long as a test runs.
final class ServedNames {
    let server: NameServer
    let loops: [EventLoop]
    let address: SocketAddress

    init(
        _ ip: IPAddress? = nil, loops count: Int = 1, data: ZoneData = ResponderTests.shop(),
        policy: AnswerPolicy? = nil,
        make: ([EventLoop]) -> NameServer = { NameServer(loops: $0) }
    ) throws {
        loops = try EventLoop.group(count: count, name: "names")
        server = make(loops)
        server.publish(data)
        if let policy { server.setPolicy(policy) }
        address = try Self.listen(server, on: ip ?? Self.own)
    }

    /// A port that is free for one protocol or address may be taken for another.
    private static func listen(_ server: NameServer, on ip: IPAddress) throws -> SocketAddress {
        for _ in 0..<20 {
            if let address = try? server.listen(SocketAddress(ip: ip, port: 0)) { return address }
        }
        return try server.listen(SocketAddress(ip: ip, port: 0))
    }

    static var own: IPAddress { IPAddress(OwnLoopback.address) ?? .loopbackV4 }

    func client(isStream: Bool = false, from source: IPAddress? = nil) throws -> NameClient {
        try NameClient(address, isStream: isStream, from: source)
    }

    func stop() async {
        await server.stop()
        for loop in loops { loop.stop() }
    }
}
