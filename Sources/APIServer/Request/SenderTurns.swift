import Transport

/// Whose turn it is on a few threads: those who wait take turns, and one sender has half of the threads at most, so that what
/// takes long for one keeps only that one waiting. Pure.
struct SenderTurns<Job> {
    private let threads: Int
    private var running = 0
    private var runningOf: [RequestSender: Int] = [:]
    private var waiting: [RequestSender: [Job]] = [:]
    /// Those who wait, the next one first.
    private var order: [RequestSender] = []

    init(threads: Int) {
        self.threads = threads
    }

    mutating func add(_ job: Job, of sender: RequestSender) {
        if waiting[sender] == nil { order.append(sender) }
        waiting[sender, default: []].append(job)
    }

    /// What may begin now; it has its thread until `end`.
    mutating func next() -> (job: Job, sender: RequestSender)? {
        guard running < threads,
            let place = order.firstIndex(where: { runningOf[$0, default: 0] < max(threads / 2, 1) })
        else { return nil }
        let sender = order.remove(at: place)
        guard var jobs = waiting.removeValue(forKey: sender), !jobs.isEmpty else { return nil }
        let job = jobs.removeFirst()
        if !jobs.isEmpty {
            waiting[sender] = jobs
            order.append(sender)
        }
        running += 1
        runningOf[sender, default: 0] += 1
        return (job, sender)
    }

    mutating func end(of sender: RequestSender) {
        running -= 1
        let own = runningOf[sender, default: 1] - 1
        runningOf[sender] = own > 0 ? own : nil
    }

    /// Those that have not begun, and now never will.
    mutating func removeWaiting() -> [Job] {
        defer {
            waiting = [:]
            order = []
        }
        return order.flatMap { waiting[$0] ?? [] }
    }
}
