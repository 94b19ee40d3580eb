internal import Glibc

/// A pointer of which each thread has its own, nil at first. Where the system has no more room for such it stays nil.
struct ThreadValue: Sendable {
    private let key: pthread_key_t?

    init() {
        var key = pthread_key_t()
        self.key = pthread_key_create(&key, nil) == 0 ? key : nil
    }

    var exists: Bool { key != nil }

    var pointer: UnsafeMutableRawPointer? {
        get { key.flatMap { pthread_getspecific($0) } }
        nonmutating set { if let key { pthread_setspecific(key, newValue) } }
    }
}
