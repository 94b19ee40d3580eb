import Synchronization
import Testing

@testable import Transport

@Suite("What a streamed response has still to send") struct ResponseStreamQueueTests {
    /// A connection that looks at nothing by itself.
    private final class IdleSink: ResponseSink {
        func respond(_ response: HTTPResponse, exchange: UInt64) {}
        func readBody(
            exchange: UInt64, of sender: RequestSender?,
            _ completion: @escaping @Sendable (Result<[UInt8], RequestBodyFailure>) -> Void
        ) {}
        func begin(status: Int, headers: HTTPHeaders, stream: ResponseStreamQueue, exchange: UInt64) {}
        func upgrade(headers: HTTPHeaders, stream: ResponseStreamQueue, input: UpgradedInput, exchange: UInt64) {}
        func order(_ order: UpgradeOrder, exchange: UInt64) {}
        func streamChanged(exchange: UInt64) {}
    }

    private func withQueue(_ body: (ResponseStreamQueue) throws -> Void) throws {
        let loop = try EventLoop.group(count: 1)[0]
        defer { loop.stop() }
        try body(ResponseStreamQueue(loop: loop, sink: IdleSink(), exchange: 1))
    }

    @Test func `who waits for room is told when enough was taken, once`() throws {
        try withQueue { queue in
            let told = Mutex(0)
            queue.write([UInt8](repeating: 0, count: 10))
            queue.onRoom(below: 4) { told.withLock { $0 += 1 } }
            var output: [UInt8] = []
            _ = queue.take(5, appendingTo: &output)
            #expect(told.withLock { $0 } == 0)
            _ = queue.take(1, appendingTo: &output)
            #expect(told.withLock { $0 } == 1)
            _ = queue.take(4, appendingTo: &output)
            #expect(told.withLock { $0 } == 1)
            queue.onRoom(below: 0) { told.withLock { $0 += 1 } }
            #expect(told.withLock { $0 } == 2)
        }
    }

    @Test(arguments: [true, false]) func `the end of the response lets nobody wait`(isCancelled: Bool) throws {
        try withQueue { queue in
            let told = Mutex(0)
            queue.write([UInt8](repeating: 0, count: 10))
            queue.onRoom(below: 4) { told.withLock { $0 += 1 } }
            if isCancelled { queue.cancel() } else { queue.didClose() }
            #expect(told.withLock { $0 } == 1)
            queue.onRoom(below: 4) { told.withLock { $0 += 1 } }
            #expect(told.withLock { $0 } == 2)
        }
    }
}
