import Foundation
import Glibc
import NetworkTypes

@testable import Transport

/// A blocking TCP socket with a receive timeout, for clients and fakes of these tests.
final class TestSocket: @unchecked Sendable {
    // One thread uses it at a time.
    let descriptor: Int32
    private var buffered: [UInt8] = []
    private(set) var isAtEnd = false
    /// Why nothing more can be sent or read, for messages.
    private(set) var end = "open"
    private var isClosed = false

    init(descriptor: Int32, timeout: Double = 60) {
        self.descriptor = descriptor
        var time = timeval(tv_sec: Int(timeout), tv_usec: Int(timeout.truncatingRemainder(dividingBy: 1) * 1e6))
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }

    convenience init(connectingTo port: UInt16, receiveBuffer: Int32? = nil, timeout: Double = 60) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, 4) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        self.init(descriptor: descriptor, timeout: timeout)
        if result != 0 {
            isAtEnd = true
            end = "connect: \(String(cString: strerror(errno)))"
        }
    }

    /// From another address of this machine.
    convenience init(connectingTo port: UInt16, from source: IPAddress) throws {
        let descriptor = try Socket.connect(
            SocketAddress(ip: .loopbackV4, port: Port(port)), from: SocketAddress(ip: source, port: 0))
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        self.init(descriptor: descriptor)
    }

    deinit { close() }

    func close() {
        if isClosed { return }
        isClosed = true
        Glibc.close(descriptor)
    }

    func closeSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes with RST.
    func reset() {
        var value = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            if count <= 0 {
                end = Self.reason(count, "send")
                return false
            }
            sent += count
        }
        return true
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    private func fill() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            // A socket with a timeout is never restarted by the kernel after a signal: signal(7).
            if count < 0, errno == EINTR { continue }
            if count <= 0 {
                isAtEnd = true
                end = Self.reason(count, "recv")
                return false
            }
            buffered += chunk[..<count]
            return true
        }
    }

    private static func reason(_ count: Int, _ call: String) -> String {
        count == 0 ? "end of stream" : "\(call): \(String(cString: strerror(errno)))"
    }

    /// Exactly `count` bytes, or fewer at the end of the stream.
    func read(_ count: Int) -> [UInt8] {
        while buffered.count < count, fill() {}
        let taken = Array(buffered.prefix(count))
        buffered.removeFirst(taken.count)
        return taken
    }

    func readToEnd() -> [UInt8] {
        while fill() {}
        defer { buffered = [] }
        return buffered
    }

    /// Everything up to and including an empty line; nil at the end of the stream.
    func readHead() -> String? {
        var searched = 0
        while true {
            if let range = buffered[max(0, searched - 3)...].firstRange(of: [13, 10, 13, 10]) {
                let head = Array(buffered[..<range.upperBound])
                buffered.removeFirst(head.count)
                return String(decoding: head, as: UTF8.self)
            }
            searched = buffered.count
            if !fill() { return nil }
        }
    }

    private func readLine() -> String? {
        while true {
            if let end = buffered.firstRange(of: [13, 10]) {
                let line = String(decoding: buffered[..<end.lowerBound], as: UTF8.self)
                buffered.removeFirst(end.upperBound)
                return line
            }
            if !fill() { return nil }
        }
    }

    /// Lines behind the last chunked body.
    private(set) var trailers: [String] = []

    /// A chunked body's content; nil if it is broken off or malformed.
    func readChunks() -> [UInt8]? {
        var content: [UInt8] = []
        while true {
            guard let line = readLine(), let size = Int(line.prefix { $0 != ";" }, radix: 16) else { return nil }
            if size == 0 {
                trailers = []
                while let trailer = readLine() {
                    if trailer.isEmpty { return content }
                    trailers.append(trailer)
                }
                return nil
            }
            let chunk = read(size)
            if chunk.count < size || read(2) != [13, 10] { return nil }
            content += chunk
        }
    }
}

/// A message as a client or a fake upstream reads it.
struct TestMessage: Sendable {
    var startLine: String
    var fields: [(name: String, value: String)]
    var body: [UInt8]
    /// The body ended as its framing says.
    var isComplete = true

    var status: Int { startLine.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0 }
    var text: String { String(decoding: body, as: UTF8.self) }

    subscript(name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    func all(_ name: String) -> [String] {
        fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }
}

extension TestSocket {
    private func parse(_ head: String) -> TestMessage {
        let lines = head.components(separatedBy: "\r\n").filter { !$0.isEmpty }
        let fields = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            return (
                name: String(line[..<colon]),
                value: line[colon...].dropFirst().trimmingCharacters(in: .whitespaces)
            )
        }
        return TestMessage(startLine: lines.first ?? "", fields: fields, body: [])
    }

    private func readBody(_ message: inout TestMessage, untilClose: Bool) {
        if message["Transfer-Encoding"] != nil {
            if let content = readChunks() { message.body = content } else { message.isComplete = false }
        } else if let length = message["Content-Length"].flatMap({ Int($0) }) {
            message.body = read(length)
            message.isComplete = message.body.count == length
        } else if untilClose {
            message.body = readToEnd()
        }
    }

    /// The next response, interim ones included; nil at the end of the stream.
    func readResponse(toHead: Bool = false) -> TestMessage? {
        guard let head = readHead() else { return nil }
        var message = parse(head)
        if toHead || message.status < 200 || message.status == 204 || message.status == 304 { return message }
        readBody(&message, untilClose: true)
        return message
    }

    func readRequest() -> TestMessage? {
        guard let head = readHead() else { return nil }
        var message = parse(head)
        readBody(&message, untilClose: false)
        return message
    }
}
