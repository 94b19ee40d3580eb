import Foundation
import NetworkTypes
import TestSupport
import Testing

@testable import ProxyEngine

@Suite("The L7 proxy fed with broken streams") struct StreamFuzzTests {
    @Test func requestsSplitAtEveryByteAreUnderstood() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let request = Array(
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n4\r\ndefg\r\n0\r\nT: r\r\n\r\nGET /length/2 HTTP/1.1\r\nHost: a\r\n\r\n"
                .utf8)
        for split in 1..<request.count {
            let socket = harness.connect()
            socket.send(Array(request[..<split]))
            usleep(500)
            socket.send(Array(request[split...]))
            #expect(socket.readResponse()?.text.hasSuffix("\n\nabcdefg") == true, "split at \(split)")
            #expect(socket.readResponse()?.body.count == 2, "split at \(split)")
        }
        await harness.stop()
        upstream.stop()
    }

    @Test func responsesSplitAtEveryByteArriveWhole() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        let old = FakeUpstream.chunked(FakeUpstream.pattern(40)).count
        for split in 1..<old {
            socket.send("GET /split/\(split) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(socket.readResponse()?.body == FakeUpstream.pattern(40), "split at \(split)")
        }
        await harness.stop()
        upstream.stop()
    }

    /// The head outgrows every buffer it is kept in on the way.
    @Test func aLargeResponseHeadInManyPiecesArrivesWhole() async throws {
        let padding = FakeUpstream.pattern(26_000).map { $0 % 26 + 0x61 }
        let upstream = FakeUpstream(raw: { socket in
            while socket.readHead() != nil {
                let bytes =
                    Array("HTTP/1.1 200 OK\r\nX-Large: ".utf8) + padding + Array("\r\n\r\n".utf8)
                    + FakeUpstream.pattern(3_000)
                for start in stride(from: 0, to: bytes.count, by: 700) {
                    socket.send(Array(bytes[start..<min(start + 700, bytes.count)]))
                    if start % 2_100 == 0 { usleep(500) }
                }
                break
            }
        })
        let harness = try EngineHarness([upstream.address])
        for _ in 0..<5 {
            let response = try #require(harness.get("/"))
            #expect(response["X-Large"].map { Array($0.utf8) } == padding)
            #expect(response.body == FakeUpstream.pattern(3_000))
        }
        let counters = await harness.counters { $0.connectionsOpen == 0 }
        #expect(counters.bufferedBytes == 0)
        await harness.stop()
        upstream.stop()
    }

    /// Pipelined requests of all kinds, cut at random places, some connections given up in the middle: every answer
    /// that arrives is the right one, and nothing is left behind.
    @Test(arguments: 0..<6 as Range<UInt64>)
    func randomStreamsAreAnsweredRight(seed: UInt64) async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        var generator = SeededRandom(seed: seed)
        for _ in 0..<40 {
            var bytes: [UInt8] = []
            var expected: [(Int, [UInt8])] = []
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let (request, status, suffix) = Self.randomRequest(&generator)
                bytes += request
                expected.append((status, suffix))
            }
            let socket = harness.connect()
            let leavesEarly = Int.random(in: 0..<5, using: &generator) == 0
            if leavesEarly { bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator))) }
            let pieces = Self.cut(bytes, &generator)
            Thread.detachNewThread {
                for piece in pieces {
                    if !socket.send(piece) { return }
                    usleep(UInt32(piece.count % 7) * 50)
                }
                if leavesEarly { socket.closeSending() }
            }
            for (status, suffix) in expected {
                guard let response = socket.readResponse() else {
                    #expect(leavesEarly)
                    break
                }
                if leavesEarly, !response.isComplete { break }
                #expect(response.status == status || leavesEarly)
                if response.status == status { #expect(Array(response.body.suffix(suffix.count)) == suffix) }
            }
        }
        let counters = await harness.counters { $0.connectionsOpen == 0 && $0.bufferedBytes == 0 }
        #expect(counters.connectionsOpen == 0)
        #expect(counters.bufferedBytes == 0)
        #expect(counters.upstreamConnectionsOpen == counters.upstreamConnectionsIdle)
        await harness.stop()
        upstream.stop()
    }

    /// Broken responses of an upstream never reach the client as if they were whole, and never hang the proxy.
    @Test(arguments: 0..<4 as Range<UInt64>)
    func mutatedResponsesAreContained(seed: UInt64) async throws {
        let upstream = FakeUpstream { socket, request in
            var generator = SeededRandom(seed: UInt64(request["X-Seed"] ?? "") ?? 0)
            var bytes = FakeUpstream.chunked(FakeUpstream.pattern(Int.random(in: 0...300, using: &generator)))
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: at)
                default: bytes.removeSubrange(at...)
                }
                if bytes.isEmpty { break }
            }
            socket.send(bytes)
            usleep(500)
            return false
        }
        let harness = try EngineHarness([upstream.address])
        var generator = SeededRandom(seed: seed &+ 1000)
        for _ in 0..<150 {
            let socket = harness.connect(timeout: 5)
            socket.send("POST / HTTP/1.1\r\nHost: a\r\nX-Seed: \(generator.next())\r\nContent-Length: 0\r\n\r\n")
            _ = socket.readResponse()
        }
        let counters = await harness.counters { $0.connectionsOpen == 0 && $0.upstreamConnectionsOpen == 0 }
        #expect(counters.upstreamConnectionsOpen == 0)
        #expect(counters.bufferedBytes == 0)
        await harness.stop()
        upstream.stop()
    }

    /// Mutated requests: any answer will do, as long as the proxy survives and the upstream sees only whole requests.
    @Test(arguments: 0..<4 as Range<UInt64>)
    func mutatedRequestsAreContained(seed: UInt64) async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        var generator = SeededRandom(seed: seed &+ 2000)
        for _ in 0..<150 {
            var (bytes, _, _) = Self.randomRequest(&generator)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                if Bool.random(using: &generator) {
                    bytes[at] = UInt8.random(in: 0...255, using: &generator)
                } else {
                    bytes.insert(UInt8.random(in: 0...255, using: &generator), at: at)
                }
            }
            let socket = harness.connect(timeout: 5)
            socket.send(bytes)
            socket.closeSending()
            _ = socket.readToEnd()
        }
        #expect(harness.get("/length/3")?.body.count == 3)
        let counters = await harness.counters { $0.connectionsOpen == 0 && $0.bufferedBytes == 0 }
        #expect(counters.connectionsOpen == 0)
        #expect(counters.bufferedBytes == 0)
        await harness.stop()
        upstream.stop()
    }

    private static func randomRequest(_ generator: inout SeededRandom) -> (bytes: [UInt8], status: Int, suffix: [UInt8])
    {
        let size =
            Int.random(in: 0..<8, using: &generator) == 0
            ? Int.random(in: 0..<200_000, using: &generator) : Int.random(in: 0..<600, using: &generator)
        let content = FakeUpstream.pattern(size)
        let fields =
            "Host: a\r\nX-Padding: \(String(repeating: "p", count: Int.random(in: 0..<300, using: &generator)))\r\n"
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: return (Array("GET /length/\(size) HTTP/1.1\r\n\(fields)\r\n".utf8), 200, content)
        case 1: return (Array("GET /chunked/\(size)?a=%20b HTTP/1.1\r\n\(fields)\r\n".utf8), 200, content)
        case 2: return (Array("GET /close/\(size) HTTP/1.1\r\n\(fields)\r\n".utf8), 200, content)
        case 3: return (Array("GET /status/204 HTTP/1.1\r\n\(fields)\r\n".utf8), 204, [])
        case 4:
            return (
                Array("POST /echo HTTP/1.1\r\n\(fields)Content-Length: \(size)\r\n\r\n".utf8) + content, 200, content
            )
        default:
            let chunks = FakeUpstream.chunked(content)
            let start = chunks.firstRange(of: [13, 10, 13, 10])?.upperBound ?? 0
            return (
                Array("PUT /echo HTTP/1.1\r\n\(fields)Transfer-Encoding: chunked\r\n\r\n".utf8) + chunks[start...],
                200, content
            )
        }
    }

    private static func cut(_ bytes: [UInt8], _ generator: inout SeededRandom) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let limit = [3, 80, 2_000, 100_000][Int.random(in: 0..<4, using: &generator)]
            // Few enough pieces to stay quick.
            let run = pieces.count > 60 ? rest.count : Int.random(in: 1...limit, using: &generator)
            pieces.append(Array(rest.prefix(run)))
            rest = rest.dropFirst(run)
        }
        return pieces
    }
}
