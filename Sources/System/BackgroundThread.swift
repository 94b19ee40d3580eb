internal import CLinux
internal import Glibc

/// A thread of its own for work that blocks or must be ordered, away from Swift's cooperative pool.
package final class BackgroundThread: Sendable {
    private let identifier: pthread_t

    /// Starts `body` on a new thread. `name` shows in `top -H`; Linux keeps its first 15 bytes.
    /// - Throws: when the system has no thread to give.
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Body(name: String(name.prefix(15)), run: body))
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
                martlet_name_thread(body.name)
                body.run()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw SystemError("start thread \(name)", number: code)
        }
        identifier = thread
    }

    package var isCurrent: Bool { pthread_equal(pthread_self(), identifier) != 0 }

    /// Waits for the body to return. Exactly one of `join` and `detach` is to be called, once.
    package func join() {
        pthread_join(identifier, nil)
    }

    /// Lets the thread end by itself.
    package func detach() {
        pthread_detach(identifier)
    }

    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }
}
