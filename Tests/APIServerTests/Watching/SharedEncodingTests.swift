import KubeModel
import Store
import Synchronization
import Testing

@testable import APIServer

/// One encoding of a change for everybody who watches a kind.
@Suite("Watchers share one encoding") struct SharedEncodingTests {
    /// Keeps the pieces it was given, as the connections of clients do.
    private final class Pieces: ResponseStream {
        private let pieces = Mutex<[[UInt8]]>([])

        var pendingBytes: Int { 0 }
        func write(_ chunk: [UInt8]) { pieces.withLock { $0.append(chunk) } }
        func finish() {}
        func cancel() {}
        func onClose(_ handler: @escaping @Sendable () -> Void) {}

        var count: Int { pieces.withLock { $0.reduce(0) { $0 + $1.split(separator: 10).count } } }
        /// Where each piece lies in memory.
        var addresses: [UnsafeRawPointer?] {
            pieces.withLock { $0.map { $0.withUnsafeBytes(\.baseAddress) } }
        }
        var text: String { pieces.withLock { String(decoding: $0.joined(), as: UTF8.self) } }
    }

    @Test func tenThousandWatchersGetTheSameBytes() async throws {
        let server = try await TestServer()
        let watchers = (0..<10_000).map { _ in Pieces() }
        for (number, watcher) in watchers.enumerated() {
            // Those of one namespace share among themselves, those of all among themselves.
            let path = number % 2 == 0 ? "/api/v1/configmaps" : Samples.configMaps
            server.openWatch("\(path)?watch=true&resourceVersion=\(server.store.currentRevision)", into: watcher)
        }
        for number in 0..<20 {
            let answer = await server.send("POST", Samples.configMaps, Samples.configMap("c\(number)"))
            #expect(answer.status == 201)
        }
        #expect(await Polling.until { watchers.allSatisfy { $0.count >= 20 } })
        for parity in 0..<2 {
            let same = stride(from: parity, to: watchers.count, by: 2).map { watchers[$0] }
            let first = same[0].addresses
            #expect(!first.contains(nil) && first.count <= 20)
            #expect(same.allSatisfy { $0.addresses == first }, "every watcher holds the one encoding")
        }
        #expect(watchers[0].text == watchers[1].text)
        withExtendedLifetime(server) {}
    }
}
