import Foundation
import NetworkTypes
import Testing

@testable import Transport

@Suite("Groups of listeners") struct ListenerGroupTests {
    private let loopback = SocketAddress(ip: .loopbackV4, port: 0)

    @Test func `each loop has a socket of its own on one port`() throws {
        let group = try ListenerGroup.open(.tcp(loopback), loops: 3)
        let descriptors = (0..<3).map(group.descriptor(forLoop:))
        #expect(Set(descriptors).count == 3)
        #expect(Set(descriptors.map { Socket.localAddress($0)?.port }).count == 1)
        #expect(group.address.port != 0)
        for descriptor in descriptors { Socket.close(descriptor) }
    }

    @Test(arguments: [1, 2]) func `a port that somebody serves is in use`(loops: Int) throws {
        let group = try ListenerGroup.open(.tcp(loopback), loops: 2)
        #expect { try ListenerGroup.open(group.address, loops: loops) } throws: {
            ($0 as? TransportError)?.code == .addressInUse
        }
        for index in 0..<2 { Socket.close(group.descriptor(forLoop: index)) }
    }

    @Test func `a unix socket is shared, and its file goes with it`() throws {
        let directory = try TemporaryDirectory()
        let group = try ListenerGroup.open(.unix(path: directory.file("s"), mode: 0o600), loops: 4)
        #expect(Set((0..<4).map(group.descriptor(forLoop:))).count == 1)
        #expect(group.isShared)
        group.close()
        #expect(!FileManager.default.fileExists(atPath: directory.file("s")))
    }

    @Test func `accepted connections notice dead peers`() throws {
        let group = try ListenerGroup.open(.tcp(loopback), loops: 1)
        let listener = group.descriptor(forLoop: 0)
        let client = try Socket.connect(try #require(Socket.localAddress(listener)))
        var accepted: Int32 = -1
        while accepted < 0 {
            if case .connection(let descriptor, _) = Socket.accept(listener) { accepted = descriptor }
        }
        func option(_ level: Int32, _ name: Int32) -> Int32 {
            var value: Int32 = -1
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(accepted, level, name, &value, &length)
            return value
        }
        #expect(option(SOL_SOCKET, SO_KEEPALIVE) == 1)
        #expect(option(Int32(IPPROTO_TCP), TCP_KEEPIDLE) == 30)
        #expect(option(Int32(IPPROTO_TCP), TCP_USER_TIMEOUT) == 60_000)
        #expect(option(Int32(IPPROTO_TCP), TCP_NODELAY) == 1)
        for descriptor in [listener, client, accepted] { Socket.close(descriptor) }
    }
}
