internal import CLinux
internal import Glibc
internal import Synchronization
internal import System

/// One thread around one epoll instance: readiness of descriptors, timers, and work handed over by other threads.
///
/// Descriptors are registered once, edge-triggered for reading, writing and half-close, and never modified.
/// Nothing that runs on a loop may block: work that must wait leaves the loop and comes back by ``execute(_:)``.
///
/// `@unchecked Sendable`: the properties below "Loop state" are touched only by the loop's own thread (before the
/// thread starts: by `init`); everything other threads may touch is behind `inbox`.
package final class EventLoop: @unchecked Sendable {
    /// The number of bytes of ``readBuffer``.
    package static let readBufferSize = 65_536

    private struct Inbox {
        var work: [@Sendable () -> Void] = []
        var timers: [LoopTimer] = []
        var isSleeping = false
        var isNotified = false
        var isStopping = false

        /// Whether the caller must write to the wake-up descriptor: only the first to find the loop asleep does.
        mutating func claimWakeup() -> Bool {
            guard isSleeping, !isNotified else { return false }
            isNotified = true
            return true
        }
    }

    private struct Slot {
        var handler: (any EventHandler)?
        var token: UInt64 = 0
        var generation: UInt32 = 0
        var descriptor: Int32 = -1
    }

    private let inbox = Mutex(Inbox())
    private let epoll: Int32
    private let wakeup: Int32
    private let threadID = Atomic<UInt>(0)
    private static let wakeupData = UInt64.max

    // Loop state.
    private var slots: [Slot] = []
    private var freeSlots: [UInt32] = []
    private var timers = TimerHeap()
    private var endOfRound: [() -> Void] = []
    private var running = true

    /// Scratch space for one `read`, shared by all of the loop's connections: bytes that must outlive the current
    /// event are copied out. Loop thread only.
    package let readBuffer: UnsafeMutableRawBufferPointer

    /// The largest datagram.
    static let datagramSize = 65_536

    /// Room for a batch of datagrams; only the pages that are used take memory. Loop thread only.
    var datagramBuffer: UnsafeMutableRawBufferPointer {
        if let allocatedDatagramBuffer { return allocatedDatagramBuffer }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.datagramSize * Int(MARTLET_UDP_BATCH), alignment: 64)
        allocatedDatagramBuffer = buffer
        return buffer
    }

    private var allocatedDatagramBuffer: UnsafeMutableRawBufferPointer?

    /// The time at which the current batch of events began. Loop thread only.
    package private(set) var now = MonotonicTime.now

    /// Starts the thread. Throws when the process is out of descriptors or threads.
    package init(name: String = "loop") throws(TransportError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .system(errno, "epoll_create1") }
        wakeup = martlet_eventfd()
        guard wakeup >= 0 else {
            let number = errno
            Glibc.close(epoll)
            throw .system(number, "eventfd")
        }
        readBuffer = .allocate(byteCount: Self.readBufferSize, alignment: 64)
        guard martlet_epoll_add_level(epoll, wakeup, Self.wakeupData, 0) == 0 else {
            throw .system(errno, "epoll_ctl")
        }
        // The thread owns the loop until `stop()`.
        do throws(SystemError) {
            try BackgroundThread(name: name) { [self] in
                martlet_block_sigpipe()
                run()
            }.detach()
        } catch {
            throw .system(error.number, "pthread_create")
        }
    }

    deinit {
        Glibc.close(epoll)
        Glibc.close(wakeup)
        readBuffer.deallocate()
        allocatedDatagramBuffer?.deallocate()
    }

    /// `count` loops, each with its own thread; at least one.
    package static func group(count: Int, name: String = "loop") throws(TransportError) -> [EventLoop] {
        var loops: [EventLoop] = []
        for index in 0..<max(1, count) { loops.append(try EventLoop(name: "\(name)-\(index)")) }
        return loops
    }

    /// Whether the caller runs on this loop's thread.
    package var isCurrent: Bool { threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

    // MARK: Work from any thread

    /// Runs `work` on the loop, after everything queued before it (by whatever thread), never before this returns.
    /// Work queued after ``stop()`` is dropped.
    package func execute(_ work: @escaping @Sendable () -> Void) {
        let mustWake = inbox.withLock { inbox in
            if inbox.isStopping { return false }
            inbox.work.append(work)
            return inbox.claimWakeup()
        }
        if mustWake { wake() }
    }

    /// Runs `work` when everything that is ready now has been handled, before the loop looks for more: what many pieces of
    /// work add to can be done once, behind them. Loop thread only.
    func executeAtEndOfRound(_ work: @escaping () -> Void) { endOfRound.append(work) }

    /// Runs `work` at the end of the calling loop's round (``executeAtEndOfRound(_:)``); at once on any other thread.
    package static func atEndOfRound(_ work: @escaping () -> Void) {
        if let loop = CurrentLoop.loop { loop.executeAtEndOfRound(work) } else { work() }
    }

    /// Runs `body`, and wakes the loops that it hands work to only behind it: they find all of it at once, rather than
    /// sleep and wake for each piece. What is handed over meanwhile waits that long, so `body` must not block.
    package static func gathering(_ body: () -> Void) { KeptWakeups.during(body) }

    /// Runs `work` at once when the caller is on the loop, else as ``execute(_:)`` does.
    package func run(_ work: @escaping @Sendable () -> Void) {
        if isCurrent { work() } else { execute(work) }
    }

    /// Runs `work` on the loop once `delay` has passed (never earlier; millisecond resolution). Any thread.
    @discardableResult
    package func schedule(after delay: Duration, _ work: @escaping @Sendable () -> Void) -> LoopTimer {
        let timer = LoopTimer(deadline: .now + delay, work: work)
        if isCurrent {
            timers.insert(timer)
            return timer
        }
        let mustWake = inbox.withLock { inbox in
            if inbox.isStopping { return false }
            inbox.timers.append(timer)
            return inbox.claimWakeup()
        }
        if mustWake { wake() }
        return timer
    }

    /// Ends the thread after the current batch; queued work and timers are dropped, descriptors stay open.
    package func stop() {
        let mustWake = inbox.withLock { inbox in
            inbox.isStopping = true
            return inbox.claimWakeup()
        }
        if mustWake { wake() }
    }

    // MARK: Descriptors (loop thread only)

    /// Registers a non-blocking descriptor for all events, edge-triggered. The handler is kept until
    /// ``deregister(_:)`` or ``close(_:)``. If the descriptor is ready already, an event follows at once.
    package func register(
        _ descriptor: Int32, handler: any EventHandler, token: UInt64
    ) throws(TransportError) -> LoopRegistration {
        let registration = claimSlot(descriptor, handler, token)
        guard martlet_epoll_add(epoll, descriptor, registration.packed) == 0 else {
            let number = errno
            releaseSlot(registration)
            throw .system(number, "epoll_ctl")
        }
        return registration
    }

    /// Registers a listener: level-triggered, readable only. `shared` says that other loops listen on the same
    /// descriptor, so that a new connection wakes one of them rather than all.
    package func registerListener(
        _ descriptor: Int32, handler: any EventHandler, token: UInt64, shared: Bool
    ) throws(TransportError) -> LoopRegistration {
        let registration = claimSlot(descriptor, handler, token)
        guard martlet_epoll_add_level(epoll, descriptor, registration.packed, shared ? 1 : 0) == 0 else {
            let number = errno
            releaseSlot(registration)
            throw .system(number, "epoll_ctl")
        }
        return registration
    }

    /// Forgets a descriptor without closing it. A stale registration is ignored.
    package func deregister(_ registration: LoopRegistration) {
        guard let descriptor = releaseSlot(registration) else { return }
        _ = martlet_epoll_delete(epoll, descriptor)
    }

    /// Forgets a descriptor and closes it (one system call instead of two). A stale registration is ignored.
    package func close(_ registration: LoopRegistration) {
        guard let descriptor = releaseSlot(registration) else { return }
        _ = Glibc.close(descriptor)
    }

    /// How many descriptors are registered.
    package var registrationCount: Int { slots.count - freeSlots.count }

    // MARK: The thread

    private func claimSlot(_ descriptor: Int32, _ handler: any EventHandler, _ token: UInt64) -> LoopRegistration {
        precondition(isCurrent, "descriptors are registered on the loop's own thread")
        let index: UInt32
        if let free = freeSlots.popLast() {
            index = free
        } else {
            index = UInt32(slots.count)
            slots.append(Slot())
        }
        slots[Int(index)].handler = handler
        slots[Int(index)].token = token
        slots[Int(index)].descriptor = descriptor
        return LoopRegistration(index: index, generation: slots[Int(index)].generation)
    }

    @discardableResult
    private func releaseSlot(_ registration: LoopRegistration) -> Int32? {
        precondition(isCurrent, "descriptors are deregistered on the loop's own thread")
        let index = Int(registration.index)
        guard index < slots.count, slots[index].generation == registration.generation, slots[index].handler != nil
        else { return nil }
        let descriptor = slots[index].descriptor
        slots[index].generation &+= 1
        slots[index].descriptor = -1
        let handler = slots[index].handler
        slots[index].handler = nil
        freeSlots.append(registration.index)
        // The handler may die here, and its deinit may use the loop: only after the slot is consistent.
        withExtendedLifetime(handler) {}
        return descriptor
    }

    private func wake() {
        if !KeptWakeups.keep(self) { wakeNow() }
    }

    func wakeNow() {
        var one: UInt64 = 1
        // Fails only when the counter is full, and then the loop is awake anyway.
        _ = write(wakeup, &one, 8)
    }

    fileprivate func run() {
        threadID.store(UInt(pthread_self()), ordering: .relaxed)
        CurrentLoop.set(self)
        let capacity = 128
        let ready = UnsafeMutablePointer<martlet_ready>.allocate(capacity: capacity)
        defer { ready.deallocate() }
        while running {
            let timeout = prepareToSleep()
            let count = martlet_epoll_wait(epoll, ready, Int32(capacity), timeout)
            now = .now
            // What was handed over before these events were collected comes before them: who changes something here and then
            // sends is answered by the change.
            runInbox()
            for index in 0..<max(0, Int(count)) {
                let data = ready[index].data
                if data == Self.wakeupData {
                    // Read whenever it is seen: a writer may come late, after its work was already taken.
                    var counter: UInt64 = 0
                    _ = read(wakeup, &counter, 8)
                    continue
                }
                dispatch(LoopRegistration(packed: data), ReadyEvents(epoll: ready[index].events))
            }
            // What the handlers handed over.
            runInbox()
            while let timer = timers.popDue(at: now) { timer.fire() }
            runEndOfRound()
        }
        threadID.store(0, ordering: .relaxed)
        CurrentLoop.set(nil)
        // Handlers may hold the loop: break the cycles.
        slots.removeAll()
        timers = TimerHeap()
        endOfRound = []
    }

    private func dispatch(_ registration: LoopRegistration, _ events: ReadyEvents) {
        let index = Int(registration.index)
        guard index < slots.count, slots[index].generation == registration.generation,
            let handler = slots[index].handler
        else { return }
        handler.handle(events, token: slots[index].token)
    }

    private func runEndOfRound() {
        while !endOfRound.isEmpty {
            let work = endOfRound
            endOfRound.removeAll(keepingCapacity: true)
            for piece in work { piece() }
        }
    }

    private func prepareToSleep() -> Int32 {
        let deadline = timers.nextDeadline()
        let mayBlock = inbox.withLock { inbox in
            let mayBlock = inbox.work.isEmpty && inbox.timers.isEmpty && !inbox.isStopping
            inbox.isSleeping = mayBlock
            return mayBlock
        }
        guard mayBlock else { return 0 }
        guard let deadline else { return -1 }
        let current = MonotonicTime.now
        guard deadline > current else { return 0 }
        return Int32(clamping: (deadline.nanoseconds - current.nanoseconds + 999_999) / 1_000_000)
    }

    private func runInbox() {
        var work: [@Sendable () -> Void] = []
        var arrived: [LoopTimer] = []
        let stopping = inbox.withLock { inbox in
            swap(&work, &inbox.work)
            swap(&arrived, &inbox.timers)
            inbox.isSleeping = false
            inbox.isNotified = false
            return inbox.isStopping
        }
        for timer in arrived { timers.insert(timer) }
        for piece in work { piece() }
        if stopping { running = false }
    }
}

/// Names a registered descriptor; stale once it is deregistered, also when the slot is used again.
package struct LoopRegistration: Sendable, Hashable {
    var index: UInt32
    var generation: UInt32

    var packed: UInt64 { UInt64(generation) << 32 | UInt64(index) }

    init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    init(packed: UInt64) {
        index = UInt32(truncatingIfNeeded: packed)
        generation = UInt32(truncatingIfNeeded: packed >> 32)
    }
}
