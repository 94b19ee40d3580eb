import NetworkTypes
import Transport

/// Sends every datagram back to its sender, with the backend's name and a space in front.
///
/// `@unchecked Sendable`: everything mutable is touched only on `loop`'s thread.
final class DatagramEcho: EventHandler, @unchecked Sendable {
    private let loop: EventLoop
    private let descriptor: Int32
    private let prefix: [UInt8]
    /// Room for a batch of datagrams of any length (RFC 768), touched only as far as they reach.
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 65_536, alignment: 64)

    init(loop: EventLoop, address: SocketAddress, name: String) throws(TransportError) {
        self.loop = loop
        descriptor = try Socket.bindUDP(address)
        prefix = Array("\(name) ".utf8)
    }

    deinit { scratch.deallocate() }

    var address: SocketAddress? { Socket.localAddress(descriptor) }

    func start() {
        loop.execute { [self] in
            do throws(TransportError) {
                _ = try loop.register(descriptor, handler: self, token: 0)
            } catch {
                Terminal.error("echo: \(error)")
            }
        }
    }

    func handle(_ events: ReadyEvents, token: UInt64) {
        let more = Socket.receiveDatagrams(descriptor, scratch: scratch) { bytes, peer in
            (prefix + bytes).withUnsafeBytes { Socket.sendDatagram(descriptor, $0, to: peer) }
        }
        if more { loop.execute { [self] in handle(.readable, token: 0) } }
    }
}
