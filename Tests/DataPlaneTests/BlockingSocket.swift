import Glibc
import NetworkTypes

/// A plain blocking client socket with a timeout, for tests.
final class BlockingSocket {
    struct Failure: Error, Equatable { let number: Int32 }

    private var descriptor: Int32

    init(_ address: SocketAddress, datagrams: Bool = false) throws {
        let type = datagrams ? SOCK_DGRAM : SOCK_STREAM
        let opened = socket(AF_INET, Int32(type.rawValue), 0)
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = address.port.rawValue.bigEndian
        target.sin_addr.s_addr = (address.ip.v4 ?? 0).bigEndian
        let result = withUnsafePointer(to: &target) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(opened, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let failure = Failure(number: errno)
            close(opened)
            throw failure
        }
        // Not before: an initialiser that throws when every property has its value runs `deinit`, and a second close
        // would hit whatever another thread has opened under that number meanwhile.
        descriptor = opened
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Failure(number: errno)
        }
    }

    /// One read.
    func receive() throws -> String { String(decoding: try receiveBytes(), as: UTF8.self) }

    func receiveBytes() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 70_000)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { throw Failure(number: errno) }
        return Array(buffer[..<count])
    }

    /// One read that gives up after a while of its own.
    func receive(within limit: Duration) throws -> String {
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let milliseconds = Int32(limit / .milliseconds(1))
        guard poll(&ready, 1, milliseconds) == 1 else { throw Failure(number: EAGAIN) }
        return try receive()
    }

    /// Sends a line and reads the line that comes back.
    func exchange(_ line: String) throws -> String {
        try send(line + "\n")
        var text = ""
        while !text.hasSuffix("\n") { text += try receive() }
        return String(text.dropLast())
    }

    /// Everything up to the end of the stream.
    func receiveAll() throws -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 70_000)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { throw Failure(number: errno) }
            if count == 0 { return all }
            all += buffer[..<count]
        }
    }

    /// Sends FIN.
    func finishSending() throws {
        guard shutdown(descriptor, Int32(SHUT_WR)) == 0 else { throw Failure(number: errno) }
    }

    /// Sends for as long as somebody takes it, at least once.
    func sendUntilFull() throws {
        let bytes = [UInt8](repeating: 120, count: 65_536)
        var limit = timeval(tv_sec: 0, tv_usec: 300_000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        while Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) > 0 {}
        guard errno == EAGAIN else { throw Failure(number: errno) }
    }

    /// Closes with RST.
    func reset() {
        var value = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
        close(descriptor)
        descriptor = -1
    }
}
