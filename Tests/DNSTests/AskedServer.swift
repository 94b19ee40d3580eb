import DNS
import Glibc
import NetworkTypes
import Transport

/// A server that the one under test asks: the test says what it answers, over UDP and TCP.
final class AskedServer {
    struct Question {
        var bytes: [UInt8]
        var path: DatagramPath

        var id: UInt16 { bytes.span.u16(at: 0) }

        /// Answers with one address.
        func reply(_ address: [UInt8], id: UInt16? = nil, flags: UInt16 = 0x8180) -> [UInt8] {
            UpstreamReplyTests.reply(
                id: id ?? self.id, flags: flags, answers: [UpstreamReplyTests.record([0xc0, 12], .a, address)])
        }
    }

    let address: SocketAddress
    private let datagrams: Int32
    private let listener: Int32
    private let batch = DatagramBatch()
    private var questions: [Question] = []

    init(_ ip: IPAddress = ServedNames.own) throws {
        while true {
            let datagrams = try Socket.bindAnswering(SocketAddress(ip: ip, port: 0))
            guard let address = Socket.localAddress(datagrams), let listener = try? Socket.listen(address) else {
                // Another test has the port over TCP.
                Socket.close(datagrams)
                continue
            }
            (self.datagrams, self.listener, self.address) = (datagrams, listener, address)
            return
        }
    }

    deinit {
        Socket.close(datagrams)
        Socket.close(listener)
    }

    /// The next question over UDP.
    func question() throws -> Question {
        while questions.isEmpty {
            try NameClient.wait(datagrams, POLLIN)
            for index in 0..<batch.receive(datagrams) {
                guard let bytes = batch.bytes(index) else { continue }
                questions.append(Question(bytes: Array(bytes), path: batch.path(index)))
            }
        }
        return questions.removeFirst()
    }

    func answer(_ question: Question, _ bytes: [UInt8]) { Self.send(datagrams, bytes, question.path) }

    /// The answer of somebody with another port.
    func answerFromElsewhere(_ question: Question, _ bytes: [UInt8]) throws {
        let other = try Socket.bindAnswering(SocketAddress(ip: address.ip, port: 0))
        defer { Socket.close(other) }
        Self.send(other, bytes, question.path)
    }

    private static func send(_ descriptor: Int32, _ bytes: [UInt8], _ path: DatagramPath) {
        var bytes = bytes
        bytes.withUnsafeMutableBytes { Socket.send(descriptor, $0, along: path) }
    }

    /// The next connection.
    func connection() throws -> NameClient {
        while true {
            try NameClient.wait(listener, POLLIN)
            if case .connection(let descriptor, _) = Socket.accept(listener) {
                return NameClient(accepted: descriptor)
            }
        }
    }

    /// The first of several that is asked.
    static func first(of servers: [AskedServer]) throws -> Int {
        var ready = servers.map { pollfd(fd: $0.datagrams, events: Int16(POLLIN), revents: 0) }
        guard poll(&ready, nfds_t(ready.count), 60_000) > 0, let index = ready.firstIndex(where: { $0.revents != 0 })
        else { throw NameClient.Failure(what: "nobody was asked") }
        return index
    }
}
