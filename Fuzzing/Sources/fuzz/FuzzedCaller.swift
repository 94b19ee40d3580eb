import Glibc
import NetworkTypes
import System
import Transport

/// A caller over HTTP/2 whose server is the input.
final class FuzzedCaller: Sendable {
    /// What an answer may hold, as `HTTP2Call` promises.
    private static let limit = 64 << 10

    private let loop: EventLoop
    private let listener: Int32
    private let address: SocketAddress

    init(loop: EventLoop) throws {
        self.loop = loop
        listener = try Socket.listen(SocketAddress(ip: .loopbackV4, port: 0))
        guard let address = Socket.localAddress(listener) else { fatalError("a listener without an address") }
        self.address = address
        StreamHarness.makeBlocking(listener)
    }

    func exchange(_ input: [UInt8]) {
        let isDone = ThreadSignal()
        Task { [loop, address] in
            defer { isDone.raise() }
            // What is no answer is an error, and so may be any input; only waiting without end is none.
            do {
                let answer = try await HTTP2Call.post(
                    to: address, authority: "localhost", path: "/fuzz", fields: [("te", "trailers")], body: [0, 1, 2],
                    on: loop, timeout: .seconds(8))
                Self.look(at: answer)
            } catch let error as TransportError {
                FuzzTarget.check(error.code != .timedOut, "an ended stream is waited for")
            } catch {
                fatalError("an error of another kind: \(error)")
            }
        }
        let connection = accept(listener, nil, nil)
        FuzzTarget.check(connection >= 0, "no connection: \(errno)")
        StreamHarness.makeBlocking(connection)
        // Tens of thousands of connections must leave nothing behind.
        Socket.resetOnClose(connection)
        var buffer = [UInt8](repeating: 0, count: 4096)
        var heard = 0
        while heard < 24 {
            let count = recv(connection, &buffer, buffer.count, 0)
            FuzzTarget.check(count > 0, "no preface")
            heard += count
        }
        for piece in StreamHarness.pieces(input) {
            if case .bytes = piece.withUnsafeBytes({ Socket.write(connection, $0) }) { continue }
            break
        }
        Socket.shutdownWrite(connection)
        // Until the caller has had enough.
        while recv(connection, &buffer, buffer.count, 0) > 0 {}
        Socket.close(connection)
        isDone.wait()
    }

    private static func look(at answer: HTTP2Call.Answer) {
        FuzzTarget.check(answer.status == 0 || (100...999).contains(answer.status), "status \(answer.status)")
        var size = answer.body.count
        for field in answer.fields {
            size += field.name.utf8.count + field.value.utf8.count
            FuzzTarget.check(!field.name.isEmpty, "a field without a name")
            FuzzTarget.check(
                !(field.name + field.value).utf8.contains { $0 == 0x0D || $0 == 0x0A || $0 == 0 },
                "a field with the end of a line: \(field)")
        }
        FuzzTarget.check(size <= limit * 3, "an answer of \(size) bytes")
    }
}
