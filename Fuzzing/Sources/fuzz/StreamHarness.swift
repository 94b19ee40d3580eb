import Glibc
import NetworkTypes
import Store
import Synchronization
import System
import Transport

/// The servers and the client that streams are fed to: made at the first input, and kept.
final class StreamHarness: Sendable {
    static let shared = StreamHarness()

    let plainServer: FuzzedServer
    let tlsServer: FuzzedServer
    let client: FuzzedClient
    let tunnel: FuzzedClient
    let caller: FuzzedCaller

    private init() {
        do {
            let loops = try EventLoop.group(count: 1, name: "fuzzed")
            plainServer = try FuzzedServer(loops: loops, isTLS: false)
            tlsServer = try FuzzedServer(loops: loops, isTLS: true)
            client = try FuzzedClient(loops: loops)
            tunnel = try FuzzedClient(loops: loops, asksForUpgrade: true)
            caller = try FuzzedCaller(loop: loops[0])
        } catch {
            fatalError("\(error)")
        }
    }

    /// Cuts an input as its first byte says.
    static func pieces(_ input: [UInt8]) -> [ArraySlice<UInt8>] {
        guard let size = input.first, input.count > 1 else { return [] }
        let rest = input.dropFirst()
        guard size > 0 else { return [rest] }
        return stride(from: rest.startIndex, to: rest.endIndex, by: Int(size)).map {
            rest[$0..<min($0 + Int(size), rest.endIndex)]
        }
    }

    /// A socket whose calls wait, ten seconds at most.
    static func makeBlocking(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// In `TMPDIR`, which `scripts/fuzz.sh` makes and removes.
    static func temporaryPath(_ name: String) -> String {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        return "\(folder)/martlet-fuzz-\(getpid())-\(name)"
    }
}

/// A server that answers everything, and looks at what the transport let through.
final class FuzzedServer: Sendable {
    private struct Handler: HTTPServerHandler {
        func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
            FuzzTarget.checkFields(request.headers)
            FuzzTarget.check(!request.method.rawValue.isEmpty, "no method")
            FuzzTarget.check(!request.target.utf8.contains { $0 <= 0x20 || $0 == 0x7F }, "target \(request.target)")
            guard let offer = UpgradeOffer(request), !request.hasBody else {
                return responder.send(
                    HTTPResponse(status: 200, headers: ["X-Seen": request.method.rawValue], body: request.body))
            }
            echo(responder, offer)
        }

        /// A tunnel that sends everything back, and ends when the client does.
        private func echo(_ responder: HTTPResponder, _ offer: UpgradeOffer) {
            let opened = Mutex<HTTPResponseStream?>(nil)
            let stream = responder.upgrade(
                headers: ["Upgrade": offer.field],
                input: UpgradedInput(
                    receive: { bytes in opened.withLock { $0 }?.write(bytes) },
                    ended: {
                        opened.withLock { stream in
                            stream?.finish()
                            stream = nil
                        }
                    }))
            opened.withLock { $0 = stream }
            // The stream of a client that has gone is told of no end.
            stream.onClose { opened.withLock { $0 = nil } }
        }
    }

    private let server: HTTPServer
    private let address: BindAddress
    private let clientTLS: TLSContext?

    init(loops: [EventLoop], isTLS: Bool) throws {
        var configuration = HTTPServerConfiguration()
        if isTLS {
            let authority = try CertificateAuthority.create(commonName: "fuzz")
            let issued = try authority.issueServer(dnsNames: ["localhost"])
            let identity = try TLSIdentity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
            configuration.tls = try TLSContext(server: TLSCertificates(fallback: identity))
            clientTLS = try TLSContext(client: .nothingVerified, protocols: ["h2"])
        } else {
            clientTLS = nil
        }
        configuration.maxBodyBytes = 1 << 16
        server = HTTPServer(loops: loops, configuration: configuration, handler: Handler())
        let path = StreamHarness.temporaryPath("server")
        address = try server.listen(
            isTLS ? .tcp(SocketAddress(ip: .loopbackV4, port: 0)) : .unix(path: path, mode: 0o600))
    }

    /// Sends the input, ends the stream, and reads until the server has ended it too.
    func exchange(_ input: [UInt8], preface: [UInt8] = []) {
        // A connection is refused while the server still ends those before it: a peer has a share of them.
        for _ in 0..<200 {
            if attempt(input, preface) { return }
            usleep(10_000)
        }
        fatalError("the server takes no connection")
    }

    /// - Returns: false where the server took no connection.
    private func attempt(_ input: [UInt8], _ preface: [UInt8]) -> Bool {
        do {
            let descriptor: Int32
            switch address {
            case .tcp(let address): descriptor = try Socket.connect(address)
            case .unix(let path, _): descriptor = try Socket.connect(unixPath: path)
            }
            StreamHarness.makeBlocking(descriptor)
            // Tens of thousands of connections must leave nothing behind.
            Socket.resetOnClose(descriptor)
            defer { Socket.close(descriptor) }
            guard let clientTLS else {
                for piece in StreamHarness.pieces(input) {
                    if case .bytes = piece.withUnsafeBytes({ Socket.write(descriptor, $0) }) { continue }
                    break
                }
                Socket.shutdownWrite(descriptor)
                drain { Socket.read(descriptor, into: $0) }
                return true
            }
            let session = try clientTLS.session(descriptor: descriptor, serverName: "localhost")
            defer { session.free() }
            guard session.handshake() == .complete else { return false }
            for piece in [preface[...]] + StreamHarness.pieces(input) where !piece.isEmpty {
                if case .bytes = piece.withUnsafeBytes({ session.write($0) }) { continue }
                break
            }
            session.shutdown()
            Socket.shutdownWrite(descriptor)
            drain { session.read(into: $0) }
            return true
        } catch {
            fatalError("\(error)")
        }
    }

    private func drain(_ read: (UnsafeMutableRawBufferPointer) -> Socket.Transfer) {
        withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { buffer in
            var silentSince = MonotonicTime.now
            while true {
                switch read(buffer) {
                case .bytes: silentSince = .now
                case .wouldBlock:
                    // libFuzzer's own alarm ends a call that waits, too. Ten seconds of silence are a connection that the
                    // server has forgotten.
                    if MonotonicTime.now - silentSince < .seconds(10) { continue }
                    fatalError("the server does not end the connection")
                default: return
                }
            }
        }
    }
}

/// A client whose server is the input.
final class FuzzedClient: Sendable {
    private let client: HTTPClient
    private let listener: Int32
    private let asksForUpgrade: Bool

    init(loops: [EventLoop], asksForUpgrade: Bool = false) throws {
        self.asksForUpgrade = asksForUpgrade
        let path = StreamHarness.temporaryPath(asksForUpgrade ? "tunnel" : "client")
        listener = try Socket.listen(unixPath: path, mode: 0o600)
        StreamHarness.makeBlocking(listener)
        client = HTTPClient(endpoint: .unix(path: path), loops: loops)
    }

    func exchange(_ input: [UInt8]) {
        let isDone = ThreadSignal()
        let client = client
        let asksForUpgrade = asksForUpgrade
        Task {
            defer { isDone.raise() }
            if asksForUpgrade { return await Self.tunnel(client) }
            // A response that is no response is an error, and so may be any input.
            guard let response = try? await client.send(HTTPClientRequest(method: .get, target: "/fuzz")) else {
                return
            }
            FuzzTarget.checkFields(response.headers)
            FuzzTarget.check((200...999).contains(response.status), "status \(response.status)")
        }
        let connection = Int32(Self.uninterrupted { Int(accept(listener, nil, nil)) })
        FuzzTarget.check(connection >= 0, "no connection: \(errno)")
        StreamHarness.makeBlocking(connection)
        var buffer = [UInt8](repeating: 0, count: 4096)
        var request: [UInt8] = []
        while !request.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            let count = Self.uninterrupted { recv(connection, &buffer, buffer.count, 0) }
            FuzzTarget.check(count > 0, "no request")
            request += buffer[..<count]
        }
        for piece in StreamHarness.pieces(input) {
            if case .bytes = piece.withUnsafeBytes({ Socket.write(connection, $0) }) { continue }
            break
        }
        Socket.close(connection)
        isDone.wait()
    }

    /// libFuzzer's alarm interrupts calls that have a time limit of their own (signal(7)).
    private static func uninterrupted(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }

    /// Sends back what comes, where the server has left HTTP.
    private static func tunnel(_ client: HTTPClient) async {
        var request = HTTPClientRequest(target: "/fuzz", headers: ["Upgrade": "x"])
        request.asksForUpgrade = true
        guard let answer = try? await client.stream(request) else { return }
        FuzzTarget.checkFields(answer.headers)
        FuzzTarget.check((answer.status == 101) == (answer.upgrade != nil), "status \(answer.status)")
        do {
            for try await piece in answer.body { answer.upgrade?.send(piece) }
        } catch {
            // The input's end may be anything.
        }
        answer.upgrade?.finish()
    }
}
