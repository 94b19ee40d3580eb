import Foundation
import Glibc
import NetworkTypes
import Synchronization
import Transport

/// A TCP server that answers each line with its name in front; `bytes N` gets N bytes and the end of the stream.
final class LineServer: Sendable {
    let address: SocketAddress
    private let descriptor: Int32

    init(name: String) throws {
        let listening = try Socket.listen(SocketAddress("127.0.0.1:0")!)
        descriptor = listening
        address = Socket.localAddress(listening)!
        // A blocking listener is simplest for a thread of its own.
        _ = fcntl(listening, F_SETFL, 0)
        Thread.detachNewThread {
            while true {
                let client = accept(listening, nil, nil)
                guard client >= 0 else {
                    // By the thread that uses it: the number must not become another's while it still accepts.
                    close(listening)
                    return
                }
                Thread.detachNewThread { Self.serve(client, name: name) }
            }
        }
    }

    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

    private static func serve(_ client: Int32, name: String) {
        defer { close(client) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var line = ""
        while true {
            let count = recv(client, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            line += String(decoding: buffer[..<count], as: UTF8.self)
            while let end = line.firstIndex(of: "\n") {
                let text = String(line[..<end])
                line = String(line[line.index(after: end)...])
                if text.hasPrefix("bytes "), let size = Int(text.dropFirst(6)) {
                    send(client, Array(repeating: 109, count: size))
                    return
                }
                send(client, Array("\(name) \(text)\n".utf8))
            }
        }
    }

    private static func send(_ client: Int32, _ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(client, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }
}

/// A UDP server that sends everything back, with its name in front if it has one, and counts it.
final class DatagramServer: Sendable {
    let address: SocketAddress
    private let descriptor: Int32
    private let counter = CounterBox()

    var received: Int { counter.value.load(ordering: .relaxed) }

    init(name: String = "") throws {
        let prefix = Array(name.isEmpty ? "".utf8 : "\(name) ".utf8)
        let bound = try Socket.bindUDP(SocketAddress("127.0.0.1:0")!)
        descriptor = bound
        address = Socket.localAddress(bound)!
        let counter = counter
        Thread.detachNewThread {
            let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 65_536, alignment: 16)
            defer { scratch.deallocate() }
            var ready = pollfd(fd: bound, events: Int16(POLLIN), revents: 0)
            while poll(&ready, 1, 30_000) > 0 {
                _ = Socket.receiveDatagrams(bound, scratch: scratch) { bytes, peer in
                    counter.value.add(1, ordering: .relaxed)
                    (prefix + bytes).withUnsafeBytes { Socket.sendDatagram(bound, $0, to: peer) }
                }
            }
        }
    }

    private final class CounterBox: Sendable {
        let value = Atomic<Int>(0)
    }
}
