import CLinux
import Foundation
import NetworkTypes
import Synchronization
import TrafficModel

/// Answers on TCP and UDP ports of a namespace, and on those of SCTP where the kernel has it: a line "NAME PORT CLIENT" at the beginning of a connection and for each
/// datagram; whatever else comes over a connection goes back.
final class EchoServer: Sendable {
    private struct Listener {
        var descriptor: Int32
        var port: UInt16
        var isStream: Bool
    }

    private let stopPipe: (read: Int32, write: Int32)
    private let ended = DispatchSemaphore(value: 0)

    init(_ name: String, in namespace: Namespace, ports: [UInt16]) throws {
        let listeners = try namespace.run {
            try ports.flatMap { port in
                try [TransportProtocol.tcp, .udp].map { try Self.listen(port, $0) }
                    + (RawSocket.hasSCTP ? IPFamily.allCases : []).map { try Self.listen(port, .sctp, only: $0) }
            }
        }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Namespace.Failure(description: "pipe") }
        stopPipe = (ends[0], ends[1])
        let (stop, ended) = (ends[0], ended)
        let thread = Thread {
            Self.serve(name, listeners, until: stop)
            ended.signal()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    deinit {
        close(stopPipe.write)
        ended.wait()
        close(stopPipe.read)
    }

    /// - Parameter family: nil for a socket of IPv6 that takes in both. SCTP tells clients all addresses that it listens on,
    ///   which are to be of one family.
    private static func listen(
        _ port: UInt16, _ transport: TransportProtocol, only family: IPFamily? = nil
    ) throws -> Listener {
        let stream = transport != .udp
        let descriptor = RawSocket.open(family ?? .v6, transport)
        var (on, alone): (Int32, Int32) = (1, family == nil ? 0 : 1)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &alone, socklen_t(MemoryLayout<Int32>.size))
        let any: IPAddress = family == .v4 ? .anyV4 : .anyV6
        let isBound = RawSocket.with(SocketAddress(ip: any, port: Port(port))) { bind(descriptor, $0, $1) } == 0
        guard isBound, !stream || Glibc.listen(descriptor, 1024) == 0 else {
            throw Namespace.Failure(description: "listen on \(port): \(String(cString: strerror(errno)))")
        }
        return Listener(descriptor: descriptor, port: port, isStream: stream)
    }

    private static func serve(_ name: String, _ listeners: [Listener], until stop: Int32) {
        var connections: [Int32] = []
        defer { for descriptor in connections + listeners.map(\.descriptor) { close(descriptor) } }
        var buffer = [UInt8](repeating: 0, count: 2048)
        while true {
            var polled = ([stop] + listeners.map(\.descriptor) + connections).map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            guard poll(&polled, nfds_t(polled.count), -1) > 0 else { continue }
            if polled[0].revents != 0 { return }
            for entry in polled[(1 + listeners.count)...] where entry.revents != 0 {
                let count = recv(entry.fd, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                if count > 0 {
                    send(entry.fd, buffer, count, Int32(MSG_NOSIGNAL))
                } else {
                    close(entry.fd)
                    connections.removeAll { $0 == entry.fd }
                }
            }
            for (listener, entry) in zip(listeners, polled[1...]) where entry.revents != 0 {
                var peer = sockaddr_storage()
                var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                let arrived = withUnsafeMutablePointer(to: &peer) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                        listener.isStream
                            ? Int(accept(listener.descriptor, peer, &length))
                            : recvfrom(
                                listener.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT), peer, &length)
                    }
                }
                guard arrived >= 0, let client = RawSocket.address(of: peer) else { continue }
                let line = Array("\(name) \(listener.port) \(client.ip)\n".utf8)
                if listener.isStream {
                    connections.append(Int32(arrived))
                    send(Int32(arrived), line, line.count, Int32(MSG_NOSIGNAL))
                } else {
                    withUnsafePointer(to: peer) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            _ = sendto(listener.descriptor, line, line.count, 0, $0, length)
                        }
                    }
                }
            }
        }
    }
}
