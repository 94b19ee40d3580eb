import KubeClient
import Synchronization
import System
import Transport

/// The present report, for whoever asks.
final class ReportBox: Sendable {
    private struct Kind: Hashable {
        var path: String
        var code: Int
    }

    let value = Mutex(NodeReport())
    /// When it was made, in monotonic seconds; 0 before the first.
    let looked = Atomic<Int64>(0)
    /// Whether names are answered from what the server says; nil where none are.
    let areNamesReady = Mutex<Bool?>(nil)
    /// How often who asked for health was told what.
    private let answers = Mutex<[Kind: Int]>([:])

    /// Whether changes wait too long, or nobody makes reports any more.
    func isStalled(_ queue: SyncQueue) -> Bool {
        let (now, looked) = (MonotonicClock.seconds, looked.load(ordering: .relaxed))
        return queue.stalledFor(now: now) != nil || (looked != 0 && now - looked > SyncQueue.patience)
    }

    func answer(_ path: String, _ queue: SyncQueue) -> HTTPResponse? {
        let report = value.withLock { $0 }
        let answer = report.answer(path, now: WallClock.timestamp, isStalled: isStalled(queue))
        if let answer { answers.withLock { $0[Kind(path: path, code: answer.status), default: 0] += 1 } }
        return answer
    }

    /// Metrics of the answers.
    var answersPage: String {
        let answers = answers.withLock { $0 }
        var page = MetricsPage()
        for path in ["/healthz", "/livez"] {
            let name = "kubeproxy_proxy\(path.replacing("/", with: "_"))_total"
            page.family(name, "counter", "Answers to \(path), by status code.")
            for (kind, count) in answers.sorted(by: { $0.key.code < $1.key.code }) where kind.path == path {
                page.sample(name, [("code", "\(kind.code)")], count)
            }
        }
        return page.text
    }
}
