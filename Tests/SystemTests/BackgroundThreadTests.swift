import Synchronization
import Testing

@testable import System

@Suite("Threads in the background") struct BackgroundThreadTests {
    @Test func `join returns when the body has returned`() throws {
        let ran = StopFlag()
        let thread = try BackgroundThread(name: "a name longer than fifteen bytes") { ran.set() }
        #expect(!thread.isCurrent)
        thread.join()
        #expect(ran.isSet)
    }

    @Test func `raises while the waiter is busy wake it once`() throws {
        let signal = ThreadSignal()
        let answered = ThreadSignal()
        let wakes = Mutex(0)
        let thread = try BackgroundThread(name: "waiter") {
            signal.wait()
            wakes.withLock { $0 += 1 }
            answered.raise()
        }
        signal.raise()
        answered.wait()
        thread.join()
        #expect(wakes.withLock { $0 } == 1)
        signal.raise()
        signal.raise()
        signal.wait()
        // Both raises were one: the flag is down again.
        signal.wait(timeout: .milliseconds(1))
    }
}
