import Glibc
import NetworkTypes
import ProxyEngine
import Transport

// The L7 proxy alone, for benchmarks: reads a plain configuration, prints its addresses, runs until SIGTERM.
//
//     loops 1
//     requests PER-CONNECTION
//     listen http 127.0.0.1:0
//     listen https 127.0.0.1:0
//     upstream NAME ADDRESS:PORT…
//     upstream-h2c NAME ADDRESS:PORT…
//     host NAME
//     prefix PATH UPSTREAM
//     certificate HOST CHAIN.pem KEY.pem

func fail(_ message: String) -> Never {
    let text = Array("l7-runner: \(message)\n".utf8)
    _ = write(2, text, text.count)
    exit(2)
}

func contents(of path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { fail("cannot read \(path)") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { return bytes }
        bytes += buffer[..<count]
    }
}

guard CommandLine.arguments.count == 2 else { fail("usage: l7-runner CONFIGURATION") }
var configuration = ProxyConfiguration()
var loopCount = 1
var upstreams: [Substring: Int] = [:]
for line in String(decoding: contents(of: CommandLine.arguments[1]), as: UTF8.self).split(separator: "\n") {
    let words = line.split(separator: " ")
    switch words.first {
    case nil: break
    case "loops" where words.count == 2: loopCount = Int(words[1]) ?? 1
    case "requests" where words.count == 2:
        configuration.limits.maxRequestsPerConnection = Int(words[1]) ?? 1000
    case "listen" where words.count == 3:
        guard let address = SocketAddress(words[2]) else { fail("not an address: \(line)") }
        configuration.listeners.append(.init(address: address, scheme: words[1] == "https" ? .https : .http))
    case "upstream" where words.count >= 2, "upstream-h2c" where words.count >= 2:
        upstreams[words[1]] = configuration.upstreams.count
        configuration.upstreams.append(
            .init(
                name: String(words[1]), endpoints: words.dropFirst(2).compactMap { SocketAddress($0) },
                version: words[0] == "upstream" ? .http1 : .http2))
    case "host" where words.count == 2:
        configuration.hosts.append(.init(host: HostPattern(String(words[1])), routes: []))
    case "prefix" where words.count == 3 && !configuration.hosts.isEmpty:
        guard let upstream = upstreams[words[2]] else { fail("unknown upstream: \(line)") }
        configuration.hosts[configuration.hosts.count - 1].routes
            .append(.init(path: String(words[1]), match: .prefix, upstream: upstream))
    case "certificate" where words.count == 4:
        configuration.certificates.append(
            .init(
                hosts: [String(words[1])], certificateChainPEM: contents(of: String(words[2])),
                privateKeyPEM: contents(of: String(words[3]))))
    default: fail("not understood: \(line)")
    }
}

// Blocked before the loops' threads exist, so that all of them inherit it.
var termination = sigset_t()
sigemptyset(&termination)
sigaddset(&termination, SIGTERM)
sigaddset(&termination, SIGINT)
pthread_sigmask(SIG_BLOCK, &termination, nil)

let loops = try EventLoop.group(count: loopCount, name: "l7")
let engine = ProxyEngine(loops: loops)
let problems = engine.apply(configuration)
guard problems.isEmpty else { fail("\(problems)") }
for listener in configuration.listeners {
    if let bound = engine.boundAddresses[listener] { print("\(listener.scheme) \(bound)") }
}
fflush(nil)

var received: Int32 = 0
sigwait(&termination, &received)
await engine.shutdown(grace: .seconds(5))
