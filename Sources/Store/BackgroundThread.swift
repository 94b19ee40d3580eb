import Glibc

/// A thread of its own for work that blocks or must be ordered.
package final class BackgroundThread: Sendable {
    private let identifier: pthread_t

    /// Starts `body` on a new thread. `name` shows in `top -H`; Linux keeps its first 15 bytes.
    /// - Throws: `io` with errno when the system has no thread to give.
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(StoreError) {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Body(name: name, run: body))
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
                nameCurrentThread(body.name)
                body.run()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw StoreError(.io(code), "cannot start thread \(name): errno \(code)")
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

    private final class Body {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }
}

/// Glibc's Swift module has no `pthread_setname_np`. A thread that keeps its process's name works as well.
private func nameCurrentThread(_ name: String) {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, name, name.utf8.count)
    close(descriptor)
}
