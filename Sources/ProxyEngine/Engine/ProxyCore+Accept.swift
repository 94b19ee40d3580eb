internal import Glibc
internal import NetworkTypes
internal import Transport

// New connections of clients.
extension ProxyCore {
    mutating func acceptConnections(_ listener: Int) {
        guard let descriptor = listeners.indices.contains(listener) ? listeners[listener].descriptor : nil,
            descriptor >= 0
        else { return }
        // Level-triggered: what is left after these comes with the next event, after other connections' work.
        for _ in 0..<16 {
            switch Socket.accept(descriptor) {
            case .connection(let socket, let peer):
                accounts.connectionsAccepted += 1
                if clients.count >= limits.maxConnections || isDraining {
                    accounts.connectionsRefused += 1
                    Socket.close(socket)
                } else {
                    admit(socket, peer, listener)
                }
            case .aborted: continue
            case .wouldBlock: return
            case .exhausted, .failed:
                pauseListener(listener)
                return
            }
        }
    }

    /// Out of descriptors: give connections time to end instead of spinning.
    private mutating func pauseListener(_ index: Int) {
        guard let registration = listeners[index].registration, let worker = worker?.takeUnretainedValue() else {
            return
        }
        loop.deregister(registration)
        listeners[index].registration = nil
        loop.schedule(after: .milliseconds(100)) { worker.core.pointee.resumeListener(index) }
    }

    mutating func resumeListener(_ index: Int) {
        guard listeners[index].descriptor >= 0, listeners[index].registration == nil,
            let worker = worker?.takeUnretainedValue()
        else { return }
        do {
            listeners[index].registration = try loop.registerListener(
                listeners[index].descriptor, handler: worker, token: Self.token(listener: index),
                shared: false)
        } catch {
            loop.schedule(after: .milliseconds(100)) { worker.core.pointee.resumeListener(index) }
        }
    }

    private mutating func admit(_ descriptor: Int32, _ peer: SocketAddress?, _ listener: Int) {
        guard let worker = worker?.takeUnretainedValue() else { return Socket.close(descriptor) }
        let c = clients.take()
        c.pointee.listener = Int32(listener)
        c.pointee.mayRead = true
        c.pointee.address = peer ?? SocketAddress(ip: .anyV4, port: 0)
        c.pointee.addressCount = UInt8(
            AddressText.write(c.pointee.address.ip) { offset, byte in c.pointee.addressText[offset] = byte })
        c.pointee.awaitsTLS = listeners[listener].listener.scheme == .https
        c.pointee.socket = StreamSocket(descriptor: descriptor)
        do {
            c.pointee.registration = try loop.register(
                descriptor, handler: worker, token: Self.token(.client, c.handle))
        } catch {
            Socket.close(descriptor)
            clients.release(c)
            return
        }
        setTimer(client: c, limits.requestHead)
        // The first request is usually there already.
        readRequests(c)
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
        c.pointee.awaitsTLS = false
        // A handshake begins with 22, a method with a capital letter.
        if byte &- 0x41 < 26 {
            refuse(c, ErrorPage.plainHTTPToTLS)
            return false
        }
        do {
            guard let tls = configuration?.tls else { throw TransportError(.tls, "no TLS context") }
            c.pointee.socket = StreamSocket(descriptor: descriptor, tls: try tls.session(descriptor: descriptor))
            return true
        } catch {
            close(c)
            return false
        }
    }
}
