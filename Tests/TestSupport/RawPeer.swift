import Foundation
import Glibc

/// A blocking TCP connection for speaking any protocol byte by byte; reading gives up after ten seconds.
package final class RawPeer: Sendable {
    private let descriptor: Int32

    /// Takes the descriptor over.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Connects to a port of 127.0.0.1; nil if nobody listens there.
    package convenience init?(port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = RawListener.loopback(UInt16(port))
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            Glibc.close(descriptor)
            return nil
        }
        self.init(descriptor: descriptor)
    }

    deinit { Glibc.close(descriptor) }

    /// False when not everything was taken.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    @discardableResult
    package func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Sends what the kernel takes without waiting; the number of bytes.
    package func sendWithoutWaiting(_ bytes: [UInt8]) -> Int {
        max(
            0,
            bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            })
    }

    package func finishSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Makes the end of this a reset.
    package func resetAtEnd() {
        var value = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// What one read gives; empty at the end, after a reset, or when nothing comes.
    package func receive(_ limit: Int = 65_536) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &buffer, limit, 0)
        return Array(buffer.prefix(max(0, count)))
    }

    /// Up to and with `suffix`, byte by byte so that nothing behind it is taken.
    package func read(through suffix: String) -> String {
        var bytes: [UInt8] = []
        while !bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) {
            let next = receive(1)
            if next.isEmpty { break }
            bytes += next
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Everything up to the end.
    package func readToEnd() -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let next = receive()
            if next.isEmpty { return bytes }
            bytes += next
        }
    }
}

/// A server of raw bytes on 127.0.0.1: each connection is given to `serve` on a thread of its own.
package final class RawListener: Sendable {
    package let port: Int
    private let descriptor: Int32

    package init(_ serve: @escaping @Sendable (RawPeer) -> Void) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        self.descriptor = descriptor
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, length)
                _ = getsockname(descriptor, $0, &length)
            }
        }
        _ = listen(descriptor, 64)
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread {
            while true {
                let accepted = accept(descriptor, nil, nil)
                if accepted < 0, errno == EINTR { continue }
                guard accepted >= 0 else { break }
                Thread.detachNewThread { serve(RawPeer(descriptor: accepted)) }
            }
            Glibc.close(descriptor)
        }
    }

    /// Ends the listening; connections go on.
    deinit { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
