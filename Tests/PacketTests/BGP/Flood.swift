import Announcement
import CLinux
import Foundation
import NetworkTypes
import Synchronization
import TrafficModel

/// A BGP peer in a namespace of its own that sends UPDATEs as fast as they are taken, and reads nothing.
final class Flood: Sendable {
    /// That of the client of a ``BGPLink``.
    let address = SocketAddress(ip: IPAddress(v4: 0x0a5a_0902), port: 179)
    private let listener: Int32
    private let state = Mutex((connection: Int32(-1), sent: 0, isStopping: false))
    private let ended = DispatchSemaphore(value: 0)

    init(in namespace: Namespace) throws {
        let address = address
        listener = try namespace.run {
            let descriptor = RawSocket.open(.v4, .tcp)
            var on: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
            guard RawSocket.with(address, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 4) == 0 else {
                throw Namespace.Failure(description: "listen on \(address): \(String(cString: strerror(errno)))")
            }
            return descriptor
        }
        let thread = Thread { [self] in
            run()
            ended.signal()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Bytes that were taken so far.
    var sent: Int { state.withLock(\.sent) }

    /// Ends the connection, and returns when the thread has ended. To be called once.
    func stop() {
        let connection = state.withLock { state in
            state.isStopping = true
            return state.connection
        }
        shutdown(listener, Int32(SHUT_RDWR))
        if connection >= 0 { shutdown(connection, Int32(SHUT_RDWR)) }
        ended.wait()
        close(listener)
    }

    private func run() {
        // The peer may come again.
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            let isStopping = state.withLock { state in
                state.connection = connection
                return state.isStopping
            }
            if !isStopping { flood(connection) }
            state.withLock { $0.connection = -1 }
            close(connection)
            if isStopping { return }
        }
    }

    private func flood(_ connection: Int32) {
        let open = BGPMessage.open(
            BGPOpen(
                asn: 64500, holdTime: 90, identifier: 9, capabilities: [.multiprotocol(BGPAddressFamily(unicast: .v4))])
        )
        guard let open = open.encoded(fourOctetASN: true),
            let keepalive = BGPMessage.keepalive.encoded(fourOctetASN: true),
            write(open + keepalive, connection)
        else { return }
        // 203.0.113.0/24 by AS 64500 over 10.90.9.2, over and over.
        let attributes: [UInt8] = [
            0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfb, 0xf4, 0x40, 3, 4, 10, 90, 9, 2,
        ]
        let body: [UInt8] = [0, 0, 0, UInt8(attributes.count)] + attributes + [24, 203, 0, 113]
        let update = [UInt8](repeating: 0xff, count: 16) + [0, UInt8(19 + body.count), 2] + body
        let many = Array(repeatElement(update, count: 1000).joined())
        while write(many, connection) { state.withLock { $0.sent += many.count } }
    }

    private func write(_ bytes: [UInt8], _ connection: Int32) -> Bool {
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                send(connection, bytes.baseAddress?.advanced(by: start), bytes.count - start, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            start += count
        }
        return true
    }
}
