/// The loops that a thread has still to wake (``EventLoop/gathering(_:)``).
final class KeptWakeups {
    private var loops: [EventLoop] = []

    private static let current = ThreadValue()

    static func during(_ body: () -> Void) {
        guard current.exists, current.pointer == nil else { return body() }
        let kept = KeptWakeups()
        current.pointer = Unmanaged.passUnretained(kept).toOpaque()
        body()
        current.pointer = nil
        for loop in kept.loops { loop.wakeNow() }
    }

    /// - Returns: whether the wake-up is kept for later.
    static func keep(_ loop: EventLoop) -> Bool {
        guard let pointer = current.pointer else { return false }
        Unmanaged<KeptWakeups>.fromOpaque(pointer).takeUnretainedValue().loops.append(loop)
        return true
    }
}
