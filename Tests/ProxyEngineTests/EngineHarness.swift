import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine
@testable import Transport

/// A running engine with one plain listener, for tests over real sockets.
final class EngineHarness: Sendable {
    static let listener = ProxyConfiguration.Listener(
        address: SocketAddress(ip: .loopbackV4, port: 0), scheme: .http)
    static let secureListener = ProxyConfiguration.Listener(
        address: SocketAddress(ip: .loopbackV4, port: 0), scheme: .https)

    let loops: [EventLoop]
    let engine: ProxyEngine

    init(
        _ configuration: ProxyConfiguration, loops: Int = 1, accessLog: (any AccessLog)? = nil,
        losses: LossWatch = LossWatch()
    ) throws {
        self.loops = try EventLoop.group(count: loops)
        engine = ProxyEngine(loops: self.loops, accessLog: accessLog, losses: losses)
        #expect(engine.apply(configuration) == [])
    }

    /// Every host and path to `endpoints`.
    convenience init(
        _ endpoints: [SocketAddress], loops: Int = 1, limits: ProxyLimits = ProxyLimits(),
        accessLog: (any AccessLog)? = nil
    ) throws {
        try self.init(Self.toAll(endpoints, limits: limits), loops: loops, accessLog: accessLog)
    }

    static func toAll(_ endpoints: [SocketAddress], limits: ProxyLimits = ProxyLimits()) -> ProxyConfiguration {
        ProxyConfiguration(
            listeners: [listener],
            hosts: [.init(host: .any, routes: [.init(path: "/", match: .prefix, upstream: 0)])],
            upstreams: [.init(name: "all", endpoints: endpoints)], limits: limits)
    }

    var port: UInt16 { engine.boundAddresses[Self.listener]?.port.rawValue ?? 0 }
    var securePort: UInt16 { engine.boundAddresses[Self.secureListener]?.port.rawValue ?? 0 }

    func connect(timeout: Double = 60) -> TestSocket { TestSocket(connectingTo: port, timeout: timeout) }

    /// One request on a connection of its own.
    func get(_ target: String, host: String = "a.example", fields: String = "") -> TestMessage? {
        let socket = connect()
        socket.send("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\(fields)\r\n")
        return socket.readResponse()
    }

    /// Waits until the counters are as wanted; the last ones if they never are.
    func counters(until isWanted: (ProxyCounters) -> Bool) async -> ProxyCounters {
        var counters = await engine.counters()
        for _ in 0..<500 {
            if isWanted(counters) { break }
            // Polling: cancellation ends the test anyway.
            try? await Task.sleep(for: .milliseconds(10))
            counters = await engine.counters()
        }
        return counters
    }

    func stop() async {
        await engine.shutdown(grace: .zero)
        for loop in loops { loop.stop() }
    }
}
