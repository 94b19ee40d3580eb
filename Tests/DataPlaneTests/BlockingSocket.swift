import Glibc
import NetworkTypes

/// A plain blocking client socket with a timeout, for tests.
final class BlockingSocket {
    struct Failure: Error { let number: Int32 }

    private let descriptor: Int32

    init(_ address: SocketAddress, datagrams: Bool = false) throws {
        let type = datagrams ? SOCK_DGRAM : SOCK_STREAM
        descriptor = socket(AF_INET, Int32(type.rawValue), 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = address.port.rawValue.bigEndian
        target.sin_addr.s_addr = (address.ip.v4 ?? 0).bigEndian
        let result = withUnsafePointer(to: &target) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let failure = Failure(number: errno)
            close(descriptor)
            throw failure
        }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Failure(number: errno)
        }
    }

    /// One read.
    func receive() throws -> String {
        var buffer = [UInt8](repeating: 0, count: 70_000)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { throw Failure(number: errno) }
        return String(decoding: buffer[..<count], as: UTF8.self)
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
}
