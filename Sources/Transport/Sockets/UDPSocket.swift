internal import CLinux
internal import Glibc
package import NetworkTypes

/// Receives the datagrams of any number of ``UDPSocket``s; called on their loop and must not block.
package protocol DatagramHandler: AnyObject, Sendable {
    /// One datagram (possibly empty). The bytes are gone when this returns. `token` is the socket's.
    func receive(_ bytes: UnsafeRawBufferPointer, from peer: SocketAddress, on socket: UDPSocket, token: UInt64)
    /// A connected socket learned that its peer refuses datagrams (ICMP), or a receive failed. The socket stays open.
    func receiveFailed(_ error: TransportError, on socket: UDPSocket, token: UInt64)
}

/// A UDP socket on an event loop. Created on any thread, used on its loop only, and open until ``close()``.
///
/// `@unchecked Sendable`: the mutable state is used on `loop` only.
package final class UDPSocket: EventHandler, @unchecked Sendable {
    package let loop: EventLoop
    /// The bound address, with the port that the kernel chose.
    package let localAddress: SocketAddress
    private let descriptor: Int32
    private let handler: any DatagramHandler
    private let token: UInt64
    private var registration: LoopRegistration?
    private var isClosed = false

    /// Binds to `address` and starts to receive.
    package convenience init(
        bind address: SocketAddress, reusePort: Bool = false, loop: EventLoop, handler: any DatagramHandler,
        token: UInt64 = 0
    ) throws(TransportError) {
        let descriptor = try Socket.bindUDP(address, reusePort: reusePort)
        self.init(descriptor: descriptor, fallback: address, loop: loop, handler: handler, token: token)
    }

    /// Connects to `peer`, from `source` if given: only its datagrams are received.
    package convenience init(
        connectTo peer: SocketAddress, from source: SocketAddress? = nil, loop: EventLoop,
        handler: any DatagramHandler, token: UInt64 = 0
    ) throws(TransportError) {
        let descriptor = try Socket.connectUDP(peer, from: source)
        self.init(descriptor: descriptor, fallback: peer, loop: loop, handler: handler, token: token)
    }

    private init(
        descriptor: Int32, fallback: SocketAddress, loop: EventLoop, handler: any DatagramHandler, token: UInt64
    ) {
        self.descriptor = descriptor
        self.loop = loop
        self.handler = handler
        self.token = token
        localAddress = Socket.localAddress(descriptor) ?? fallback
        loop.run { self.start() }
    }

    private func start() {
        guard !isClosed else { return }
        do {
            registration = try loop.register(descriptor, handler: self, token: token)
        } catch {
            handler.receiveFailed(error, on: self, token: token)
        }
    }

    package func handle(_ events: ReadyEvents, token: UInt64) {
        guard events.contains(.readable) else { return }
        let buffer = loop.datagramBuffer
        let slice = EventLoop.datagramSize
        var peers = [sockaddr_storage](repeating: sockaddr_storage(), count: Int(MARTLET_UDP_BATCH))
        var lengths = [UInt32](repeating: 0, count: Int(MARTLET_UDP_BATCH))
        while !isClosed {
            let count = martlet_recv_batch(
                descriptor, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), slice, &peers, &lengths)
            if count < 0 {
                let number = errno
                if number == EINTR { continue }
                if number == EAGAIN { return }
                handler.receiveFailed(.system(number, "receive"), on: self, token: token)
                // An ICMP error is reported once; anything lasting waits for the next event.
                if number == ECONNREFUSED { continue }
                return
            }
            for index in 0..<Int(count) where !isClosed {
                guard let peer = SocketAddress(kernel: peers[index]) else { continue }
                let start = index * slice
                let end = start + min(Int(lengths[index]), slice)
                handler.receive(
                    UnsafeRawBufferPointer(rebasing: buffer[start..<end]), from: peer, on: self, token: token)
            }
            if count < MARTLET_UDP_BATCH { return }
        }
    }

    /// Sends one datagram; nil `peer` for a connected socket. False if it could not be sent (a full buffer, too
    /// large, refused): as with any datagram, nobody retries.
    @discardableResult
    package func send(_ bytes: UnsafeRawBufferPointer, to peer: SocketAddress? = nil) -> Bool {
        guard !isClosed else { return false }
        guard let peer else { return martlet_send(descriptor, bytes.baseAddress, bytes.count) >= 0 }
        return peer.withKernelAddress { address, length in
            sendto(descriptor, bytes.baseAddress, bytes.count, 0, address, length) >= 0
        }
    }

    /// Stops receiving and closes the descriptor.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        if let registration { loop.close(registration) } else { Socket.close(descriptor) }
        registration = nil
    }
}
