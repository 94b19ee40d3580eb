import Synchronization
import System
import Testing

@Suite("A worker behind a bounded queue") struct BoundedWorkerTests {
    @Test func `a full queue takes nothing more, and everything taken is done in order`() throws {
        let worker = try BoundedWorker(name: "test", capacity: 2)
        let (started, release) = (ThreadSignal(), ThreadSignal())
        let done = Mutex<[Int]>([])
        #expect(
            worker.submit {
                started.raise()
                release.wait()
                done.withLock { $0.append(0) }
            })
        started.wait()
        #expect(worker.submit { done.withLock { $0.append(1) } })
        #expect(worker.submit { done.withLock { $0.append(2) } })
        #expect(!worker.submit { done.withLock { $0.append(3) } })
        release.raise()
        worker.stop()
        #expect(done.withLock { $0 } == [0, 1, 2])
        #expect(!worker.submit {})
    }

    @Test func `it may be stopped twice, and without work`() throws {
        let worker = try BoundedWorker(name: "test", capacity: 1)
        worker.stop()
        worker.stop()
        #expect(!worker.submit {})
    }
}
