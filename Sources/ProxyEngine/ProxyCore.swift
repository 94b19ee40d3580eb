internal import Glibc
internal import NetworkTypes
internal import Transport

/// All state of the proxy on one event loop, and what happens to it.
///
/// Connections are plain structs in slabs, named by index and handled by pointer; slots never move. A method that may
/// end a connection leaves it in phase `.free`; who goes on using a pointer afterwards asks for the phase first. No
/// method but ``acceptConnections(_:)`` and the connects hands out a slot, so a freed one cannot have come back to
/// life under the feet of its last user within one step.
///
/// The bytes of an event live in `scratch`, shared by all connections; only what cannot be sent on at once is copied
/// to a buffer of the connection's own.
struct ProxyCore: ~Copyable {
    /// In front of what is read there is room for the rewritten head and a chunk's size line...
    static var headroom: Int { 1024 }
    static var readSize: Int { 65_536 }
    /// ...and behind it for a chunk's end.
    static var tailroom: Int { 64 }

    typealias Client = UnsafeMutablePointer<ClientConnection>
    typealias Upstream = UnsafeMutablePointer<UpstreamConnection>

    enum Side: UInt64 { case client = 0, upstream = 1, listener = 2 }

    let loop: EventLoop
    let accessLog: (any AccessLog)?
    var worker: Unmanaged<ProxyWorker>?

    var clients = Slab<ClientConnection>(blank: ClientConnection(index: -1))
    var upstreams = Slab<UpstreamConnection>(blank: UpstreamConnection(index: -1))
    var endpoints = Slab<Endpoint>(blank: Endpoint(index: -1))
    var states = Slab<UpstreamState>(blank: UpstreamState(index: -1))
    var buffers = BufferPool()
    var wheel = TimerWheel(now: 0)
    var isTicking = false
    /// The current tick.
    var now: Int64 = 0

    var configuration: CompiledConfiguration?
    var limits = CoreLimits()
    /// From the configuration's upstream indices to `states`.
    var stateOfUpstream: [Int32] = []
    var stateIndices: [String: Int32] = [:]
    var endpointIndices: [SocketAddress: Int32] = [:]
    var listeners: [ListenerState] = []
    var isDraining = false

    /// Room for reading: ``headroom``, ``readSize``, ``tailroom``.
    let scratch: UnsafeMutablePointer<UInt8>
    /// A rewritten response head on its way to the headroom, or a normalised path.
    let headScratch: UnsafeMutablePointer<UInt8>
    /// The head that is being looked at: about 1 KiB each, so one for the loop rather than for each connection.
    let requestHead: UnsafeMutablePointer<HTTP1RequestHead>
    let responseHead: UnsafeMutablePointer<HTTP1ResponseHead>
    var random: UInt64 = 0

    // Counters.
    var routeTraffic: [TrafficCount] = []
    var statuses = [UInt64](repeating: 0, count: 600)
    var accepted: UInt64 = 0
    var refused: UInt64 = 0
    var tunnels = 0
    var upstreamsCreated: UInt64 = 0
    var idleUpstreams = 0

    init(loop: EventLoop, accessLog: (any AccessLog)?) {
        self.loop = loop
        self.accessLog = accessLog
        scratch = .allocate(capacity: Self.headroom + Self.readSize + Self.tailroom)
        headScratch = .allocate(capacity: Self.readSize + Self.headroom)
        requestHead = .allocate(capacity: 1)
        requestHead.initialize(to: HTTP1RequestHead())
        responseHead = .allocate(capacity: 1)
        responseHead.initialize(to: HTTP1ResponseHead())
        // An identifier, not a secret.
        withUnsafeMutableBytes(of: &random) { _ = getentropy($0.baseAddress, $0.count) }
    }

    deinit {
        scratch.deallocate()
        headScratch.deallocate()
        requestHead.deallocate()
        responseHead.deallocate()
        for listener in listeners { listener.port.deallocate() }
        for index in 0..<states.indexBound { states[index].pointee.endpoints?.deallocate() }
    }

    static func token(_ side: Side, _ index: Int32) -> UInt64 { UInt64(index) << 2 | side.rawValue }

    mutating func handle(_ events: ReadyEvents, token: UInt64) {
        updateTime()
        let index = Int32(truncatingIfNeeded: token >> 2)
        switch token & 3 {
        case Side.client.rawValue: clientReady(clients[index], events)
        case Side.upstream.rawValue: upstreamReady(upstreams[index], events)
        default: acceptConnections(Int(index))
        }
    }

    mutating func updateTime() {
        now = Int64(loop.now.nanoseconds / CoreLimits.tickNanoseconds)
    }

    // MARK: Timers

    /// Files a client's deadline `ticks` from now.
    @inline(__always)
    mutating func setTimer(client: Client, _ ticks: Int64) {
        setTimer(client.pointee.index << 1, now + ticks)
    }

    @inline(__always)
    mutating func setTimer(upstream: Upstream, _ ticks: Int64) {
        setTimer(upstream.pointee.index << 1 | 1, now + ticks)
    }

    /// Nothing to wait for. Lazy: the wheel finds out when the old deadline comes.
    @inline(__always)
    mutating func suspendTimer(client: Client) {
        wheel.set(client.pointee.index << 1, deadline: .max)
    }

    @inline(__always)
    private mutating func setTimer(_ token: Int32, _ deadline: Int64) {
        wheel.set(token, deadline: deadline)
        if !isTicking { worker?._withUnsafeGuaranteedRef { $0.scheduleTick() } }
    }

    mutating func expireTimers() {
        updateTime()
        while let token = wheel.popExpired(now: now) {
            if token & 1 == 0 {
                clientExpired(clients[token >> 1])
            } else {
                upstreamExpired(upstreams[token >> 1])
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

/// One listening socket of one loop.
struct ListenerState {
    var listener: ProxyConfiguration.Listener
    var descriptor: Int32
    var registration: LoopRegistration?
    /// For `X-Forwarded-Port`.
    var port: StaticBytes
    var isPaused = false
}
