import KubeModel
import Synchronization

@testable import APIServer

/// The client's end of a watch.
final class TestWatch: ResponseStream {
    private struct State {
        var bytes: [UInt8] = []
        var isFinished = false
        var isCancelled = false
        var isBlocked = false
        var handlers: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    var pendingBytes: Int { state.withLock { $0.isBlocked ? $0.bytes.count : 0 } }
    var isFinished: Bool { state.withLock { $0.isFinished } }
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// A client that does not read.
    func block() { state.withLock { $0.isBlocked = true } }

    func write(_ chunk: [UInt8]) { state.withLock { $0.bytes += chunk } }
    func finish() { end { $0.isFinished = true } }
    func cancel() { end { $0.isCancelled = true } }

    func onClose(_ handler: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if !(state.isFinished || state.isCancelled) { state.handlers.append(handler) }
            return state.isFinished || state.isCancelled
        }
        if isOver { handler() }
    }

    private func end(_ change: (inout State) -> Void) {
        let handlers = state.withLock { state in
            guard !(state.isFinished || state.isCancelled) else { return [@Sendable () -> Void]() }
            change(&state)
            defer { state.handlers = [] }
            return state.handlers
        }
        for handler in handlers { handler() }
    }

    /// Everything that came.
    var bytes: [UInt8] { state.withLock { $0.bytes } }

    var events: [JSONValue] {
        state.withLock { $0.bytes }.split(separator: UInt8(ascii: "\n")).compactMap { try? JSONParser.parse(Array($0)) }
    }

    /// "ADDED a", in order.
    var summary: [String] {
        events.map { "\($0["type"].string ?? "?") \($0["object"]["metadata"]["name"].string ?? "")" }
    }

    /// Waits until there are `count` events, or gives back what there is after a while.
    func events(_ count: Int, within seconds: Int = 60) async -> [JSONValue] {
        await Polling.until(within: seconds) { self.events.count >= count }
        return events
    }
}
