import Dispatch
import Glibc
import NetworkTypes
import Synchronization
import TestSupport
import Testing

@testable import Transport

@Suite("The event loop") struct EventLoopTests {
    @Test func `runs work in order, from any thread`() async throws {
        let loop = try EventLoop()
        let seen = Log()
        for index in 0..<1000 { loop.execute { seen.append(index) } }
        #expect(await eventually { seen.values.count == 1000 })
        #expect(seen.values == Array(0..<1000))
        #expect(!loop.isCurrent)
        loop.stop()
    }

    @Test func `no wake-up is lost under contention`() async throws {
        let loop = try EventLoop()
        let count = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<5000 { loop.execute { count.increment() } }
                }
            }
        }
        #expect(await eventually { count.value == 40_000 })
        loop.stop()
    }

    @Test func `what is to be done at the end of a round is done behind the round's work`() async throws {
        let loop = try EventLoop()
        let seen = Log()
        loop.execute {
            // Both are in the next round, whatever other threads do.
            loop.execute {
                seen.append(1)
                EventLoop.atEndOfRound { seen.append(3) }
            }
            loop.execute { seen.append(2) }
        }
        #expect(await eventually { seen.values.count == 3 })
        #expect(seen.values == [1, 2, 3])
        EventLoop.atEndOfRound { seen.append(4) }
        #expect(seen.values.last == 4, "a thread without a loop does it at once")
        loop.stop()
    }

    @Test func `what was handed over comes before the events behind it`() async throws {
        let loop = try EventLoop()
        let seen = Log()
        let handler = ReadinessLog(seen)
        loop.run { handler.watch(on: loop) }
        let hold = DispatchSemaphore(value: 0)
        let isHeld = Flag()
        loop.execute {
            isHeld.set()
            hold.wait()
        }
        #expect(await eventually { isHeld.isSet })
        loop.execute { seen.append(1) }
        // The loop, once let go, finds the work and the event at the same time.
        handler.raise()
        hold.signal()
        #expect(await eventually { seen.values.count == 2 })
        #expect(seen.values == [1, 2])
        loop.stop()
    }

    @Test func `work that is gathered is run, be it for several loops`() async throws {
        let loops = try EventLoop.group(count: 2)
        let count = Counter()
        for _ in 0..<500 {
            EventLoop.gathering {
                // One inside another ends with the outer one.
                EventLoop.gathering { loops[0].execute { count.increment() } }
                loops[1].execute { count.increment() }
                loops[0].execute { count.increment() }
            }
        }
        #expect(await eventually { count.value == 1500 })
        for loop in loops { loop.stop() }
    }

    @Test func `fires timers by deadline and not before it`() async throws {
        let loop = try EventLoop()
        let seen = Log()
        let began = MonotonicTime.now
        let early = Flag()
        for delay in [30, 10, 20, 0] {
            loop.schedule(after: .milliseconds(delay)) {
                if MonotonicTime.now - began < .milliseconds(delay) { early.set() }
                seen.append(delay)
            }
        }
        #expect(await eventually { seen.values.count == 4 })
        #expect(seen.values == [0, 10, 20, 30])
        #expect(!early.isSet)
        loop.stop()
    }

    @Test func `a cancelled timer does not fire and lets go of what it holds`() async throws {
        final class Witness: Sendable {}
        let loop = try EventLoop()
        weak var witness: Witness?
        let fired = Flag()
        do {
            let object = Witness()
            witness = object
            let timer = loop.schedule(after: .milliseconds(20)) {
                withExtendedLifetime(object) { fired.set() }
            }
            timer.cancel()
        }
        #expect(witness == nil)
        let later = Flag()
        loop.schedule(after: .milliseconds(40)) { later.set() }
        #expect(await eventually { later.isSet })
        #expect(!fired.isSet)
        loop.stop()
    }

    @Test func `the heap keeps order among many timers, cancelled ones included`() {
        var heap = TimerHeap()
        var random = SeededRandom(seed: 1)
        var timers: [LoopTimer] = []
        for _ in 0..<5000 {
            let timer = LoopTimer(deadline: MonotonicTime(nanoseconds: random.next() % 1000)) {}
            timers.append(timer)
            heap.insert(timer)
            if random.next() % 2 == 0 { timers[Int(random.next() % UInt64(timers.count))].cancel() }
        }
        #expect(heap.count < 5000)
        var last: UInt64 = 0
        var popped = 0
        while let timer = heap.popDue(at: MonotonicTime(nanoseconds: 2000)) {
            #expect(timer.deadline.nanoseconds >= last)
            last = timer.deadline.nanoseconds
            popped += 1
        }
        #expect(popped == timers.count(where: { !$0.isCancelled }))
    }

    @Test func `delivers no event for a descriptor closed in the same batch`() async throws {
        /// Whoever hears first closes the other.
        final class Pair: EventHandler, @unchecked Sendable {
            let loop: EventLoop
            var registrations: [LoopRegistration] = []
            let heard = Counter()

            init(loop: EventLoop) { self.loop = loop }

            func handle(_ events: ReadyEvents, token: UInt64) {
                guard registrations.count == 2 else { return }
                heard.increment()
                for registration in registrations { loop.close(registration) }
                registrations = []
            }
        }
        let loop = try EventLoop()
        let pair = Pair(loop: loop)
        let done = Flag()
        loop.execute {
            do {
                for token in 0..<2 {
                    let descriptor = try Socket.bindUDP(SocketAddress(ip: .loopbackV4, port: 0))
                    pair.registrations.append(try loop.register(descriptor, handler: pair, token: UInt64(token)))
                }
            } catch {
                Issue.record(error)
            }
            done.set()
        }
        #expect(await eventually { done.isSet && pair.heard.value == 1 })
        let flushed = Flag()
        loop.schedule(after: .milliseconds(20)) { flushed.set() }
        #expect(await eventually { flushed.isSet })
        #expect(pair.heard.value == 1)
        loop.stop()
    }

    @Test func `stop ends the thread and drops later work`() async throws {
        let loop = try EventLoop()
        loop.stop()
        let ran = Flag()
        loop.execute { ran.set() }
        #expect(!ran.isSet)
    }
}

@Suite("UDP sockets") struct UDPSocketTests {
    private final class Echo: DatagramHandler {
        private let datagrams = Mutex<[[UInt8]]>([])
        let failures = Counter()
        let echoes: Bool

        init(echoes: Bool) { self.echoes = echoes }

        var received: [[UInt8]] { datagrams.withLock { $0 } }

        func receive(_ bytes: UnsafeRawBufferPointer, from peer: SocketAddress, on socket: UDPSocket, token: UInt64) {
            datagrams.withLock { $0.append(Array(bytes)) }
            if echoes { socket.send(bytes, to: peer) }
        }

        func receiveFailed(_ error: TransportError, on socket: UDPSocket, token: UInt64) {
            failures.increment()
        }
    }

    @Test func `datagrams of every size go there and back`() async throws {
        let loop = try EventLoop()
        let server = try UDPSocket(
            bind: SocketAddress(ip: .loopbackV4, port: 0), loop: loop, handler: Echo(echoes: true))
        let answers = Echo(echoes: false)
        let client = try UDPSocket(connectTo: server.localAddress, loop: loop, handler: answers)
        let sizes = [0, 1, 1400, 9000, 65_507] + Array(repeating: 100, count: 40)
        loop.execute {
            for size in sizes { [UInt8](repeating: 5, count: size).withUnsafeBytes { _ = client.send($0) } }
        }
        #expect(await eventually { answers.received.count == sizes.count })
        #expect(answers.received.map(\.count) == sizes)
        loop.execute {
            server.close()
            client.close()
        }
        loop.stop()
    }

    @Test func `a connected socket hears that nobody listens`() async throws {
        let loop = try EventLoop()
        let gone = try Socket.bindUDP(SocketAddress(ip: .loopbackV4, port: 0))
        let address = try #require(Socket.localAddress(gone))
        Socket.close(gone)
        let handler = Echo(echoes: false)
        let client = try UDPSocket(connectTo: address, loop: loop, handler: handler)
        loop.execute { [1, 2].withUnsafeBytes { _ = client.send($0) } }
        #expect(await eventually { handler.failures.value > 0 })
        loop.execute { client.close() }
        loop.stop()
    }
}

/// Notes 2 when its descriptor becomes readable.
private final class ReadinessLog: EventHandler, Sendable {
    private let seen: Log
    private let reading: Int32
    private let writing: Int32

    init(_ seen: Log) {
        self.seen = seen
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        close(reading)
        close(writing)
    }

    func watch(on loop: EventLoop) {
        do throws(TransportError) {
            _ = try loop.register(reading, handler: self, token: 0)
        } catch {
            Issue.record("\(error)")
        }
    }

    func raise() { write(writing, "!", 1) }

    func handle(_ events: ReadyEvents, token: UInt64) {
        if events.contains(.readable) { seen.append(2) }
    }
}
