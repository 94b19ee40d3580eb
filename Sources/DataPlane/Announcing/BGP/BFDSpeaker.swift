package import Announcement
internal import Glibc
package import NetworkTypes
package import Transport

/// The BFD sessions of this machine, over sockets on an event loop (RFC 5881 for neighbours, RFC 5883 for peers further
/// away). All methods are for the loop's thread.
///
/// `@unchecked Sendable`: all properties are touched on the loop's thread alone.
package final class BFDSpeaker: EventHandler, @unchecked Sendable {
    /// Whom a session is with.
    package struct Peer: Hashable, Sendable {
        package var address: IPAddress
        package var source: IPAddress?
        /// nil: a neighbour, whose packets must come with a TTL of 255. Else the least that packets may come with.
        package var minimumHops: UInt8?

        package init(address: IPAddress, source: IPAddress? = nil, minimumHops: UInt8? = nil) {
            self.address = address
            self.source = source
            self.minimumHops = minimumHops
        }

        var port: Port { minimumHops == nil ? 3784 : 4784 }
    }

    package enum Notice: Sendable {
        case up
        case down(BFDPacket.Diagnostic)
    }

    package struct Counters: Hashable, Sendable {
        package var packetsSent: UInt64 = 0
        package var packetsReceived: UInt64 = 0
        package var ups: UInt64 = 0
        package var downs: UInt64 = 0
        package var isUp = false

        package init() {}
    }

    private struct Entry {
        var session: BFDSession
        var descriptor: Int32
        var counters = Counters()
        let observe: @Sendable (Notice) -> Void
    }

    private struct Listener: Hashable {
        var family: IPFamily
        var port: Port
    }

    private let loop: EventLoop
    private var entries: [Peer: Entry] = [:]
    private var listeners: [Listener: (registration: LoopRegistration, descriptor: Int32)] = [:]
    private var nextDiscriminator: UInt32
    private var timer: LoopTimer?
    private var timerDeadline: Duration?

    package init(loop: EventLoop) {
        self.loop = loop
        // Sessions of an earlier process of ours are not these.
        nextDiscriminator = UInt32(truncatingIfNeeded: MonotonicTime.now.nanoseconds >> 16) | 1
    }

    /// Begins a session; one with the same peer must have ended before. `observe` is called on the loop. `isResuming`: as in
    /// ``BFDSession``.
    /// - Throws: where the port of BFD is another program's, or the source address is not this machine's.
    package func add(
        _ peer: Peer, _ configuration: BFDSession.Configuration, isResuming: Bool = false,
        observe: @escaping @Sendable (Notice) -> Void
    ) throws(TransportError) {
        try listen(Listener(family: peer.address.family, port: peer.port))
        let descriptor = try open(peer)
        nextDiscriminator &+= 1
        if nextDiscriminator == 0 { nextDiscriminator = 1 }
        entries[peer] = Entry(
            session: BFDSession(configuration, discriminator: nextDiscriminator, isResuming: isResuming),
            descriptor: descriptor,
            observe: observe)
        step(peer) { session, now in session.start(at: now) }
        scheduleTimer()
    }

    /// Ends a session; the peer is told that this says nothing about the path.
    ///
    /// - Parameter absence: for how long the peer is asked to wait for another process, which resumes the session; nil where none
    ///   follows.
    package func remove(_ peer: Peer, until absence: Duration? = nil) {
        guard entries[peer] != nil else { return }
        step(peer) { session, _ in absence.map { session.pause(for: $0) } ?? session.stop() }
        if let entry = entries.removeValue(forKey: peer) { Socket.close(entry.descriptor) }
        let listener = Listener(family: peer.address.family, port: peer.port)
        if !entries.keys.contains(where: { $0.address.family == listener.family && $0.port == listener.port }),
            let open = listeners.removeValue(forKey: listener)
        {
            loop.close(open.registration)
        }
        scheduleTimer()
    }

    package func counters(_ peer: Peer) -> Counters? { entries[peer]?.counters }

    // MARK: Sockets

    private func listen(_ listener: Listener) throws(TransportError) {
        guard listeners[listener] == nil else { return }
        let any: IPAddress = listener.family == .v4 ? .anyV4 : .anyV6
        let descriptor = try Socket.bindUDP(SocketAddress(ip: any, port: listener.port))
        do throws(TransportError) {
            try Socket.tellHops(descriptor, listener.family)
            let registration = try loop.register(descriptor, handler: self, token: UInt64(descriptor))
            listeners[listener] = (registration, descriptor)
        } catch {
            Socket.close(descriptor)
            throw error
        }
    }

    /// A socket with a source port as RFC 5881, section 4, wants it.
    private func open(_ peer: Peer) throws(TransportError) -> Int32 {
        let source = peer.source ?? (peer.address.family == .v4 ? .anyV4 : .anyV6)
        var last = TransportError(.addressInUse, "no port for BFD is free")
        for _ in 0..<64 {
            let port = Port(UInt16.random(in: 49152...65535))
            let descriptor: Int32
            do throws(TransportError) {
                descriptor = try Socket.bindUDP(SocketAddress(ip: source, port: port))
            } catch {
                last = error
                if error.code == .addressInUse { continue }
                break
            }
            do throws(TransportError) {
                try Socket.setHops(descriptor, peer.address.family, 255)
                return descriptor
            } catch {
                Socket.close(descriptor)
                throw error
            }
        }
        throw last
    }

    package func handle(_ events: ReadyEvents, token: UInt64) {
        guard events.contains(.readable),
            let (listener, open) = listeners.first(where: { UInt64($0.value.descriptor) == token })
        else { return }
        receive(listener, open.descriptor)
        scheduleTimer()
    }

    /// Reads what waits, at most so much that others on the loop have their turn.
    private func receive(_ listener: Listener, _ descriptor: Int32) {
        for _ in 0..<256 {
            guard let datagram = Socket.receiveWithHops(descriptor, into: loop.readBuffer) else { return }
            let bytes = UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<datagram.count])
            guard let packet = BFDPacket(bytes), let peer = find(packet, listener, datagram.peer.ip, datagram.hops)
            else { continue }
            entries[peer]?.counters.packetsReceived += 1
            step(peer) { session, now in session.receive(packet, at: now) }
        }
        // Edge-triggered: what is left must be read without another event.
        loop.execute { [self] in
            guard listeners[listener]?.descriptor == descriptor else { return }
            receive(listener, descriptor)
            scheduleTimer()
        }
    }

    private func find(_ packet: BFDPacket, _ listener: Listener, _ address: IPAddress, _ hops: Int) -> Peer? {
        entries.first { peer, entry in
            peer.address == address && peer.port == listener.port && hops >= Int(peer.minimumHops ?? 255)
                && entry.session.isFor(packet)
        }?.key
    }

    // MARK: Sessions

    private var now: Duration { .nanoseconds(Int64(clamping: MonotonicTime.now.nanoseconds)) }

    private func step(_ peer: Peer, _ body: (inout BFDSession, Duration) -> [BFDSession.Action]) {
        guard var entry = entries[peer] else { return }
        var notices: [Notice] = []
        for action in body(&entry.session, now) {
            switch action {
            case .send(let packet):
                entry.counters.packetsSent += 1
                packet.bytes.withUnsafeBytes {
                    Socket.sendDatagram(entry.descriptor, $0, to: SocketAddress(ip: peer.address, port: peer.port))
                }
            case .up:
                entry.counters.ups += 1
                notices.append(.up)
            case .down(let reason):
                entry.counters.downs += 1
                notices.append(.down(reason))
            }
        }
        entry.counters.isUp = entry.session.state == .up
        entries[peer] = entry
        for notice in notices { entry.observe(notice) }
    }

    private func scheduleTimer() {
        let deadline = entries.values.compactMap(\.session.nextDeadline).min()
        guard deadline != timerDeadline else { return }
        timerDeadline = deadline
        timer?.cancel()
        timer = nil
        guard let deadline else { return }
        timer = loop.schedule(after: max(.zero, deadline - now)) { [self] in
            timer = nil
            timerDeadline = nil
            let now = now
            for (peer, entry) in entries where entry.session.nextDeadline.map({ $0 <= now }) == true {
                step(peer) { session, now in session.tick(at: now) }
            }
            scheduleTimer()
        }
    }
}
