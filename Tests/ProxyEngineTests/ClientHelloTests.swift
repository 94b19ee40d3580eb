import Glibc
import Testing

@testable import ProxyEngine
@testable import Transport

@Suite("The server that a client names at the beginning of TLS") struct ClientHelloTests {
    private static func parse(_ bytes: [UInt8]) -> ClientHello.Parsed {
        bytes.withUnsafeBufferPointer { ClientHello.parse($0) }
    }

    /// What OpenSSL sends first.
    static func real(_ name: String?) throws -> [UInt8] {
        var pair: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        defer { for descriptor in pair { close(descriptor) } }
        let context = try TLSContext(client: .nothingVerified)
        let session = try context.session(descriptor: pair[0], serverName: name)
        defer { session.free() }
        guard case .wouldBlock = session.handshake() else { throw TransportError(.tls, "no handshake") }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(pair[1], &bytes, bytes.count)
        return Array(bytes[..<max(0, count)])
    }

    /// A ClientHello with these extensions, in one record.
    private static func hello(_ extensions: [(type: UInt8, content: [UInt8])]?) -> [UInt8] {
        func long(_ count: Int) -> [UInt8] { [UInt8(count >> 8), UInt8(count & 255)] }
        var body: [UInt8] = [3, 3] + [UInt8](repeating: 7, count: 32)
        // No session, one cipher suite, no compression.
        body += [0, 0, 2, 0x13, 1, 1, 0]
        if let extensions {
            let all = extensions.flatMap { entry -> [UInt8] in
                [0, entry.type] + long(entry.content.count) + entry.content
            }
            body += long(all.count) + all
        }
        let message: [UInt8] = [1, 0] + long(body.count) + body
        return [22, 3, 1] + long(message.count) + message
    }

    private static func name(_ text: String) -> [UInt8] {
        let name = Array(text.utf8)
        return [0, UInt8(name.count + 3), 0, 0, UInt8(name.count)] + name
    }

    @Test func `a real client's is read, whatever the case of its letters`() throws {
        #expect(Self.parse(try Self.real("Shop.Example")) == .complete(ClientHello(serverName: "shop.example")))
        #expect(Self.parse(try Self.real(nil)) == .complete(ClientHello(serverName: nil)))
        #expect(
            Self.parse(Self.hello([(0, Self.name("a.example."))])) == .complete(ClientHello(serverName: "a.example")))
        #expect(Self.parse(Self.hello(nil)) == .complete(ClientHello(serverName: nil)))
        #expect(Self.parse(Self.hello([(16, [1])])) == .complete(ClientHello(serverName: nil)))
    }

    @Test func `every beginning of one is one, however it is spread over records`() throws {
        let whole = try Self.real("shop.example")
        for count in 0..<whole.count { #expect(Self.parse(Array(whole[..<count])) == .incomplete, "\(count)") }
        for size in [1, 7, 100] {
            var spread: [UInt8] = []
            var rest = whole[5...]
            while !rest.isEmpty {
                let part = rest.prefix(size)
                spread += [22, 3, 1, 0, UInt8(part.count)] + part
                rest = rest.dropFirst(size)
            }
            #expect(Self.parse(spread) == .complete(ClientHello(serverName: "shop.example")))
            #expect(Self.parse(spread.dropLast()) == .incomplete)
        }
    }

    @Test func `what is none is not waited for`() {
        let twice = Self.hello([(0, Self.name("a.example")), (0, Self.name("b.example"))])
        let two: [UInt8] = [0, 8, 0, 0, 1, 0x61, 0, 0, 1, 0x62]
        for wrong in [
            [23], [22, 2], [22, 3, 1, 0, 0], [22, 3, 1, 0xFF, 0xFF], [22, 3, 1, 0, 4, 2, 0, 0, 0],
            [22, 3, 1, 0, 4, 1, 1, 0, 0], twice, Self.hello([(0, two)]), Self.hello([(0, Self.name(""))]),
            Self.hello([(0, Self.name("a b"))]), Self.hello([(0, Self.name("ä.example"))]), Self.hello([(0, [])]),
        ] {
            #expect(Self.parse(wrong) == .invalid, "\(wrong)")
        }
        // Longer than anybody's: records of one byte each.
        let endless: [UInt8] = [22, 3, 1, 0, 4, 1, 0, 0x3F, 0]
        let tail = Array(repeating: [22, 3, 1, 0, 1, 0] as [UInt8], count: 4000).flatMap { $0 }
        #expect(Self.parse(Array((endless + tail)[..<ClientHello.maxBytes])) == .invalid)
    }

    @Test func `no mutation is read otherwise by its beginning`() throws {
        let whole = try Self.real("shop.example")
        for position in whole.indices {
            for bit in [0x01, 0x10, 0x80] as [UInt8] {
                var bytes = whole
                bytes[position] ^= bit
                let outcome = Self.parse(bytes)
                for count in [position, position + 1, whole.count - 1] {
                    let part = Self.parse(Array(bytes[..<count]))
                    #expect(part == .incomplete || part == outcome, "\(position) \(bit) \(count)")
                }
            }
        }
    }
}
