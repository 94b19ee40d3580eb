internal import Glibc

/// The loops that a thread has still to wake (``EventLoop/gathering(_:)``). Each thread has its own.
final class KeptWakeups {
    private var loops: [EventLoop] = []

    /// Where a thread keeps its own; nil when the system has no more room for such keys: then nothing is kept.
    private static let key: pthread_key_t? = {
        var key = pthread_key_t()
        return pthread_key_create(&key, nil) == 0 ? key : nil
    }()

    static func during(_ body: () -> Void) {
        guard let key, pthread_getspecific(key) == nil else { return body() }
        let kept = KeptWakeups()
        pthread_setspecific(key, Unmanaged.passUnretained(kept).toOpaque())
        body()
        pthread_setspecific(key, nil)
        for loop in kept.loops { loop.wakeNow() }
    }

    /// - Returns: whether the wake-up is kept for later.
    static func keep(_ loop: EventLoop) -> Bool {
        guard let key, let pointer = pthread_getspecific(key) else { return false }
        Unmanaged<KeptWakeups>.fromOpaque(pointer).takeUnretainedValue().loops.append(loop)
        return true
    }
}
