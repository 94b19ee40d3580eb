import NetworkTypes
import Synchronization
import Testing

@testable import DNS

@Suite("The log of queries") struct QueryLogTests {
    private final class Kept: QueryLog {
        let lines = Mutex<[UInt8]>([])

        func record(
            _ query: Span<UInt8>, from client: SocketAddress, isStream: Bool, answer: Span<UInt8>, nanoseconds: UInt64
        ) {
            lines.withLock {
                QueryLogLine.append(
                    query, from: client, isStream: isStream, answer: answer, nanoseconds: 1_500, to: &$0)
            }
        }

        var text: String { lines.withLock { String(decoding: $0, as: UTF8.self) } }
    }

    @Test func `a line has what CoreDNS' has`() throws {
        let answers = Answers(ResponderTests.shop())
        let query = Wire.query("WEB.shop.svc.cluster.local", edns: (4096, []), signatures: true)
        let bytes = answers.ask(query).bytes
        var line: [UInt8] = []
        QueryLogLine.append(
            query.span, from: SocketAddress(ip: .loopbackV4, port: 40_000), isStream: false, answer: bytes.span,
            nanoseconds: 1_234_567, to: &line)
        #expect(
            String(decoding: line, as: UTF8.self)
                == "127.0.0.1:40000 - 4660 \"A IN web.shop.svc.cluster.local. udp \(query.count) true 4096\" NOERROR "
                + "qr,aa,rd \(bytes.count) 0.001234567s\n")
    }

    @Test func `the longest name, written out, fits a line`() throws {
        let label = [UInt8(63)] + [UInt8](repeating: 7, count: 63)
        let name = label + label + label + [61] + [UInt8](repeating: 7, count: 61) + [0]
        let query = Wire.bytes16(1, 0x0100, 1, 0, 0, 0) + name + Wire.bytes16(1, 1)
        let bytes = Answers().ask(query).bytes
        var line: [UInt8] = []
        QueryLogLine.append(
            query.span, from: SocketAddress(ip: .loopbackV6, port: 40_000), isStream: true, answer: bytes.span,
            nanoseconds: .max, to: &line)
        #expect(!line.isEmpty && line.count <= QueryLogLine.maximumLength)
    }

    @Test(arguments: [true, false])
    func `a server tells of the answers of the classes that are wanted`(isStream: Bool) async throws {
        let log = Kept()
        var policy = AnswerPolicy()
        var block = ServerBlock()
        block.log = QueryLogFilter(classes: [.denial])
        policy.blocks = [block]
        let served = try ServedNames(policy: policy) { NameServer(loops: $0, log: log) }
        let client = try served.client(isStream: isStream)
        for name in ["web.shop.svc.cluster.local", "nobody.shop.svc.cluster.local"] {
            _ = try client.answer(Wire.query(name))
        }
        await served.stop()
        #expect(log.text.split(separator: "\n").count == 1)
        #expect(log.text.contains("A IN nobody.shop.svc.cluster.local. \(isStream ? "tcp" : "udp")"))
        #expect(log.text.contains(" NXDOMAIN "))
    }
}
