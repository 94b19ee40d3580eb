import Foundation
import Testing

@testable import Transport

@Suite("Compressed answers") struct GzipBodyTests {
    private let pieces: [[UInt8]] =
        (0..<300).map { Array("{\"name\":\"object-\($0)\"},".utf8) } + [[], Array("]".utf8)]

    /// What gzip(1) makes of it.
    private func unpacked(_ bytes: [UInt8]) async throws -> String {
        let directory = try TemporaryDirectory()
        try Data(bytes).write(to: URL(fileURLWithPath: directory.file("a.gz")))
        return try await run("gzip", ["-dc", directory.file("a.gz")]).output
    }

    @Test(arguments: [1, 7, 16_384, 1 << 20]) func `comes out as it went in, in pieces of any size`(size: Int)
        async throws
    {
        let body = try #require(GzipBody(pieces))
        var bytes: [UInt8] = []
        while !body.isEnded {
            let piece = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                count = body.take(into: UnsafeMutableRawBufferPointer(buffer))
            }
            #expect(!piece.isEmpty || body.isEnded)
            bytes += piece
        }
        #expect(body.pendingBytes == 0)
        #expect(bytes.count < pieces.joined().count / 2)
        #expect(try await unpacked(bytes) == String(decoding: Array(pieces.joined()), as: UTF8.self))
    }

    @Test func `one call takes a bounded share of a large body`() throws {
        let body = try #require(GzipBody([[UInt8](repeating: 0x61, count: 10 << 20)]))
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        #expect(buffer.withUnsafeMutableBytes { body.take(into: $0) } > 0)
        #expect(body.pendingBytes > 8 << 20)
    }

    @Test(arguments: ["--http1.1", "--http2"]) func `is served over HTTP`(version: String) async throws {
        let fixture = try HTTP2Fixture()
        let plain = try await fixture.curl("/big?3000000", [version])
        let unpacked = try await fixture.curl("/compressed?3000000", [version, "--compressed"])
        #expect(unpacked.output == plain.output)
        let sent = try await fixture.curl(
            "/compressed?3000000", [version, "-o", "/dev/null", "-w", "%{size_download} %header{content-encoding}"])
        #expect(sent.output.hasSuffix(" gzip"))
        #expect(sent.output.split(separator: " ").first.flatMap { Int($0) } ?? 0 < 100_000)
        #expect(await eventually { fixture.server.configuration.answers.bytes == 0 })
        await fixture.server.stop()
    }
}
