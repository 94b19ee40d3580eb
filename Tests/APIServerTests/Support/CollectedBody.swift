import Synchronization

@testable import APIServer

/// Gathers a body that comes piece by piece into one response; one that is cut becomes status 0.
final class CollectedBody: BodyStream {
    private let status: Int
    private let headers: [(name: String, value: String)]
    private let done: @Sendable (OutgoingResponse) -> Void
    private let bytes = Mutex<[UInt8]>([])

    init(
        status: Int, headers: [(name: String, value: String)], _ done: @escaping @Sendable (OutgoingResponse) -> Void
    ) {
        self.status = status
        self.headers = headers
        self.done = done
    }

    var pendingBytes: Int { 0 }
    func write(_ chunk: [UInt8]) { bytes.withLock { $0 += chunk } }
    func onRoom(below limit: Int, _ body: @escaping @Sendable () -> Void) { body() }
    func onClose(_ handler: @escaping @Sendable () -> Void) {}

    func finish() { answer(status) }
    func cancel() { answer(0) }

    private func answer(_ status: Int) {
        var response = OutgoingResponse(status: status, contentType: "", body: [bytes.withLock { $0 }])
        response.headers = headers
        done(response)
    }
}
