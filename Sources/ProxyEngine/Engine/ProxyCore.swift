internal import Glibc
internal import NetworkTypes
internal import Transport

/// The proxy on one event loop: what happens at each event, over the state that the types below keep.
///
/// State knows no commands: who is connected, on which exchange, to which upstream is kept by slabs, the
/// ``UpstreamPool`` and the ``UpstreamDirectory``, which touch no socket. The commands are the extensions of this type, one
/// file for each side. A command that may end a connection or an exchange makes its references dead, and whoever goes
/// on using one afterwards asks it (``Slab/Reference/isLive``).
///
/// The bytes of an event live in `scratch`, shared by all connections; only what cannot be sent on at once is copied
/// to a buffer of the connection's own.
struct ProxyCore: ~Copyable {
    /// In front of what is read there is room for the rewritten head and a chunk's size line...
    static var headroom: Int { 4096 }
    static var readSize: Int { 65_536 }
    /// ...and behind it for a chunk's end.
    static var tailroom: Int { 64 }

    typealias Client = Slab<Party.Clients, ClientConnection>.Reference
    typealias Upstream = UpstreamPool.Connection
    typealias ExchangeReference = Slab<Party.Exchanges, Exchange>.Reference

    /// Whose frames wait to be written.
    enum FrameWriter {
        case client(Handle<Party.Clients>)
        case upstream(Handle<Party.Upstreams>)
    }

    enum Side: UInt64 { case client = 0, upstream = 1 }

    let loop: EventLoop
    let accessLog: (any AccessLog)?
    var worker: Unmanaged<ProxyWorker>?

    var clients = Slab<Party.Clients, ClientConnection>(blank: ClientConnection())
    var exchanges = Slab<Party.Exchanges, Exchange>(blank: Exchange())
    var pool = UpstreamPool()
    var directory: UpstreamDirectory
    var accounts = LoopAccounts()
    var buffers = BufferPool()
    var wheel = TimerWheel(now: 0)
    var isTicking = false
    /// The current tick.
    var now: Int64 = 0

    var configuration: CompiledConfiguration?
    var limits = CoreLimits()
    var upstreamTLS = UpstreamTLSContexts()
    var listeners: [ListenerState] = []
    var isDraining = false
    /// How many of `clients` are streams.
    var streamCount = 0
    /// Connections of clients that have not sent a request yet, and those of them in a TLS handshake.
    var unproven = UnprovenConnections<Handle<Party.Clients>>(.init(total: 1))
    var handshakes = UnprovenConnections<Handle<Party.Clients>>(.init(total: 1))
    /// All connections of clients, by peer.
    var held = HeldPlaces<PeerKey, Handle<Party.Clients>>()
    let crowding: CrowdingWatch
    let losses: LossWatch
    let books: ClientBooks
    let passwords: PasswordChecker
    /// Passwords that were right.
    var verified = CredentialCache()
    /// What services are being asked, by the client of the question.
    var questions: [UInt64: Question] = [:]
    /// Sessions with HTTP/2 that have something to write at the end of this round of events.
    var frameWriters: [FrameWriter] = []
    private var isWritingFrames = false
    var fieldBlock = HTTP2FieldBlock()

    /// Room for reading: ``headroom``, ``readSize``, ``tailroom``.
    let scratch: UnsafeMutablePointer<UInt8>
    /// Frames of HTTP/2 that are being taken, ``readSize``: what they bring about uses `scratch`.
    let frameScratch: UnsafeMutablePointer<UInt8>
    /// A rewritten response head on its way to the headroom, or a normalised path.
    let headScratch: UnsafeMutablePointer<UInt8>
    /// The head that is being looked at: about 1 KiB each, so one for the loop rather than for each connection.
    let requestHead: UnsafeMutablePointer<HTTP1RequestHead>
    let responseHead: UnsafeMutablePointer<HTTP1ResponseHead>
    var random: UInt64 = 0
    private var date = DateText()

    init(
        loop: EventLoop, accessLog: (any AccessLog)?, crowding: CrowdingWatch, losses: LossWatch, books: ClientBooks,
        passwords: PasswordChecker
    ) {
        self.loop = loop
        self.books = books
        self.passwords = passwords
        self.crowding = crowding
        self.losses = losses
        self.accessLog = accessLog
        scratch = .allocate(capacity: Self.headroom + Self.readSize + Self.tailroom)
        frameScratch = .allocate(capacity: Self.readSize)
        headScratch = .allocate(capacity: Self.readSize + Self.headroom)
        requestHead = .allocate(capacity: 1)
        requestHead.initialize(to: HTTP1RequestHead())
        responseHead = .allocate(capacity: 1)
        responseHead.initialize(to: HTTP1ResponseHead())
        // Identifiers, not secrets.
        var seed: UInt64 = 0
        withUnsafeMutableBytes(of: &seed) { _ = getentropy($0.baseAddress, $0.count) }
        random = seed
        directory = UpstreamDirectory(seed: ~seed)
    }

    deinit {
        scratch.deallocate()
        frameScratch.deallocate()
        fieldBlock.deallocate()
        headScratch.deallocate()
        requestHead.deinitialize(count: 1)
        requestHead.deallocate()
        responseHead.deinitialize(count: 1)
        responseHead.deallocate()
        for listener in listeners { listener.port.deallocate() }
    }

    // MARK: Events

    /// The side in one bit, who it is in the others.
    static func token<Kind>(_ side: Side, _ handle: Handle<Kind>) -> UInt64 { handle.packed << 1 | side.rawValue }

    mutating func handle(_ events: ReadyEvents, token: UInt64) {
        updateTime()
        if token & 1 == Side.client.rawValue {
            if let client = clients.resolve(Handle(packed: token >> 1)) { clientReady(client, events) }
        } else {
            if let upstream = pool.connections.resolve(Handle(packed: token >> 1)) { upstreamReady(upstream, events) }
        }
    }

    mutating func updateTime() {
        now = Int64(loop.now.nanoseconds / CoreLimits.tickNanoseconds)
    }

    /// For `Date`. The wall clock is only ever shown, never reckoned with.
    mutating func currentDate() -> DateText {
        date.update(to: time(nil))
        return date
    }

    /// Goes on with a connection that has had its share, after the others.
    mutating func resumeLater(_ client: Client) {
        guard let worker = worker?.takeUnretainedValue() else { return }
        loop.execute { [handle = client.handle] in
            worker.core.pointee.updateTime()
            if let client = worker.core.pointee.clients.resolve(handle) { worker.core.pointee.proceed(client) }
        }
    }

    mutating func resumeLater(_ upstream: Upstream) {
        guard let worker = worker?.takeUnretainedValue() else { return }
        loop.execute { [handle = upstream.handle] in
            worker.core.pointee.updateTime()
            if let upstream = worker.core.pointee.pool.connections.resolve(handle) {
                worker.core.pointee.upstreamReady(upstream, .readable)
            }
        }
    }

    /// Has a session's frames written at the end of the round. What they bring about at once (a fast upstream has more for a
    /// fast client) comes after whatever else is ready then.
    mutating func schedule(_ session: HTTP2Session, _ writer: FrameWriter) {
        if session.isFlushScheduled { return }
        session.isFlushScheduled = true
        frameWriters.append(writer)
        guard frameWriters.count == 1, let worker = worker?.takeUnretainedValue() else { return }
        if isWritingFrames {
            loop.execute {
                worker.core.pointee.updateTime()
                worker.core.pointee.writeFrames()
            }
        } else {
            EventLoop.atEndOfRound {
                worker.core.pointee.updateTime()
                worker.core.pointee.writeFrames()
            }
        }
    }

    private mutating func writeFrames() {
        isWritingFrames = true
        defer { isWritingFrames = false }
        var writers: [FrameWriter] = []
        swap(&writers, &frameWriters)
        for writer in writers {
            switch writer {
            case .client(let handle): if let client = clients.resolve(handle) { flushFrames(client) }
            case .upstream(let handle): if let m = pool.connections.resolve(handle) { flushFrames(m) }
            }
        }
        guard frameWriters.isEmpty else { return }
        writers.removeAll(keepingCapacity: true)
        swap(&writers, &frameWriters)
    }

    // MARK: Timers

    /// Files a client's deadline `ticks` from now.
    @inline(__always)
    mutating func setTimer(client: Client, _ ticks: Int64) {
        setTimer(client.handle.index << 1, now + ticks)
    }

    @inline(__always)
    mutating func setTimer(upstream: Upstream, _ ticks: Int64) {
        setTimer(upstream.handle.index << 1 | 1, now + ticks)
    }

    /// Nothing to wait for. Lazy: the wheel finds out when the old deadline comes.
    @inline(__always)
    mutating func suspendTimer(client: Client) {
        wheel.set(client.handle.index << 1, deadline: .max)
    }

    mutating func clearTimer(client: Client) { wheel.clear(client.handle.index << 1) }

    mutating func clearTimer(upstream: Upstream) { wheel.clear(upstream.handle.index << 1 | 1) }

    @inline(__always)
    private mutating func setTimer(_ token: Int32, _ deadline: Int64) {
        wheel.set(token, deadline: deadline)
        if !isTicking { worker?._withUnsafeGuaranteedRef { $0.scheduleTick() } }
    }

    mutating func expireTimers() {
        updateTime()
        while let token = wheel.popExpired(now: now) {
            // A deadline goes with its owner, so it is that of whoever is there now.
            if token & 1 == 0 {
                if let client = clients.tenant(at: token >> 1) { clientExpired(client) }
            } else {
                if let upstream = pool.connections.tenant(at: token >> 1) { upstreamExpired(upstream) }
            }
        }
    }

    // MARK: Random identifiers

    mutating func nextRandom() -> UInt64 {
        random &+= 0x9E37_79B9_7F4A_7C15
        var value = random
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
