import Foundation
import NetworkTypes
import Synchronization
import TrafficModel

/// A client that asks again and again, a connection for each question, until the value is gone.
final class Requests: Sendable {
    private struct State {
        var answered = 0
        var lost: [String] = []
        var isStopping = false
    }

    private final class Box: Sendable {
        let state = Mutex(State())
        let ended = DispatchSemaphore(value: 0)
    }

    private let box = Box()

    init(from namespace: Namespace, to address: SocketAddress) {
        let box = self.box
        let thread = Thread {
            _ = try? namespace.run {
                while !box.state.withLock({ $0.isStopping }) {
                    let outcome = try Asker(here: address, .tcp).begin(within: .seconds(10))
                    box.state.withLock {
                        if outcome.server != nil { $0.answered += 1 } else { $0.lost.append("\(outcome)") }
                    }
                }
            }
            box.ended.signal()
        }
        thread.start()
    }

    deinit { stop() }

    /// How many have been answered so far.
    var answered: Int { box.state.withLock { $0.answered } }

    /// What became of those that have not been answered.
    var lost: [String] { box.state.withLock { $0.lost } }

    private func stop() {
        box.state.withLock { $0.isStopping = true }
        box.ended.wait()
    }
}
