internal import Glibc
internal import NetworkTypes
internal import Transport

// New connections of clients.
extension ProxyCore {
    /// Takes a connection that a listener accepted. At the limits it is in the place of another one (`ProxyCore+Room.swift`);
    /// where none is to go for it, it is closed at once.
    mutating func accept(_ descriptor: Int32, from peer: SocketAddress?, on listener: Int) {
        updateTime()
        accounts.connectionsAccepted += 1
        guard !isDraining else { return Socket.close(descriptor) }
        let c = clients.take()
        setAddress(peer ?? SocketAddress(ip: .anyV4, port: 0), of: c)
        guard isAdmitted(c) else {
            turnAway(c)
            return Socket.close(descriptor)
        }
        admit(c, descriptor, listener)
    }

    /// Frees the slot of a connection that was not admitted.
    private mutating func turnAway(_ c: Client) {
        unproven.left(c.handle)
        held.give(c.handle)
        clients.release(c)
    }

    /// A client's first request is there: from now on it keeps its place.
    mutating func proved(_ c: Client) {
        unproven.proved(c.handle)
        endHandshake(c)
    }

    /// A client's TLS has its handshake behind it, or its connection is closed.
    mutating func endHandshake(_ c: Client) {
        guard c.pointee.isHandshaking else { return }
        c.pointee.isHandshaking = false
        handshakes.left(c.handle)
    }

    private mutating func admit(_ c: Client, _ descriptor: Int32, _ listener: Int) {
        guard let worker = worker?.takeUnretainedValue() else { return Socket.close(descriptor) }
        c.pointee.listener = Int32(listener)
        c.pointee.mayRead = true
        c.pointee.awaitsProxyHeader = listeners[listener].listener.expectsProxyProtocol
        c.pointee.awaitsTLS = listeners[listener].listener.scheme == .https
        c.pointee.socket = StreamSocket(descriptor: descriptor)
        do {
            c.pointee.registration = try loop.register(
                descriptor, handler: worker, token: Self.token(.client, c.handle))
        } catch {
            Socket.close(descriptor)
            turnAway(c)
            return
        }
        setTimer(client: c, limits.requestHead)
        // The first request is usually there already.
        readRequests(c)
    }

    private func setAddress(_ address: SocketAddress, of c: Client) {
        c.pointee.address = address
        c.pointee.addressCount = UInt8(
            AddressText.write(address.ip) { offset, byte in c.pointee.addressText[offset] = byte })
    }

    /// Takes the header of the PROXY protocol, and nothing behind it: that may be TLS.
    ///
    /// - Returns: whether to read on.
    mutating func takeProxyHeader(_ c: Client) -> Bool {
        guard c.pointee.mayRead else { return false }
        let descriptor = c.pointee.socket.descriptor
        var count = 0
        repeat {
            count = recv(descriptor, scratch, ProxyProtocolHeader.maxBytes, Int32(MSG_PEEK))
        } while count < 0 && errno == EINTR
        if count < 0, errno == EAGAIN {
            c.pointee.mayRead = false
            return false
        }
        guard count > 0 else {
            close(c)
            return false
        }
        switch ProxyProtocolHeader.parse(UnsafeBufferPointer(start: scratch, count: count)) {
        case .incomplete:
            // More of it raises another event; at the end of the stream there is none.
            c.pointee.mayRead = false
            if c.pointee.peerClosed { close(c) }
            return false
        case .invalid:
            close(c)
            return false
        case .complete(let header):
            guard recv(descriptor, scratch, header.byteCount, 0) == header.byteCount else {
                close(c)
                return false
            }
            c.pointee.awaitsProxyHeader = false
            guard let source = header.source else { return true }
            setAddress(source, of: c)
            // Until now it was one of the load balancer's.
            guard isAdmitted(c) else {
                close(c)
                return false
            }
            return true
        }
    }

    /// Makes the TLS session of a connection when its first byte is there: who connects and says nothing costs no more
    /// than a slot. A request in plain HTTP is told so, as by nginx.
    ///
    /// - Returns: whether to read on.
    mutating func beginTLS(_ c: Client) -> Bool {
        guard c.pointee.mayRead else { return false }
        let descriptor = c.pointee.socket.descriptor
        var byte: UInt8 = 0
        var count = 0
        repeat { count = recv(descriptor, &byte, 1, Int32(MSG_PEEK)) } while count < 0 && errno == EINTR
        if count < 0, errno == EAGAIN {
            c.pointee.mayRead = false
            return false
        }
        guard count > 0 else {
            close(c)
            return false
        }
        if byte == 22, let table = configuration?.passthroughs, !table.isEmpty {
            switch passThrough(c, table) {
            case .none: break
            case .pending, .begun: return false
            }
        }
        c.pointee.awaitsTLS = false
        // A handshake begins with 22, a method with a capital letter, and some clients send an empty line in front.
        if byte &- 0x41 < 26 || byte == 0x0D || byte == 0x0A {
            refuse(c, ErrorPage.plainHTTPToTLS)
            return false
        }
        do {
            guard let tls = configuration?.tls else { throw TransportError(.tls, "no TLS context") }
            c.pointee.socket = StreamSocket(descriptor: descriptor, tls: try tls.session(descriptor: descriptor))
            c.pointee.isSecure = true
            beginHandshake(c)
            return true
        } catch {
            close(c)
            return false
        }
    }
}
