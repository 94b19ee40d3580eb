/// Where work continues that may not stay on the thread it is on (the store's writer).
protocol WorkQueue: Sendable {
    /// Runs `job` soon, on some thread that may compute but not block.
    func run(_ job: @escaping @Sendable () -> Void)
    /// Runs `job` after a while.
    func run(afterMilliseconds: Int, _ job: @escaping @Sendable () -> Void) -> any ScheduledWork
}

/// A job that waits for its time.
protocol ScheduledWork: AnyObject, Sendable {
    func cancel()
}
