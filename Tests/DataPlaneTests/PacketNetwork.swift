import Foundation
import NetworkTypes
import Synchronization
import Testing
import TrafficModel

@testable import DataPlane

/// A client, a node and a host of backends, connected by virtual Ethernet: what packets really do.
///
///     client 10.88.1.2 ── 10.88.1.1 node 10.88.2.1 ── backends 10.88.2.2 …
final class PacketNetwork: Sendable {
    /// What a client learns.
    enum Outcome: Hashable, Sendable {
        /// A backend answered, and saw the client at this address.
        case answered(String, by: IPAddress)
        case refused
        case silent

        var backend: String? {
            if case .answered(let name, _) = self { return name }
            return nil
        }
    }

    let client: NetworkHost
    let node: NetworkHost
    let backends: NetworkHost
    static let clientAddresses: [IPFamily: IPAddress] = [.v4: IPAddress("10.88.1.2")!, .v6: IPAddress("fd88:1::2")!]
    static let nodeAddresses: [IPFamily: IPAddress] = [.v4: IPAddress("10.88.1.1")!, .v6: IPAddress("fd88:1::1")!]
    /// Where the node meets the backends: what they see of masqueraded clients.
    static let nodeInside: [IPFamily: IPAddress] = [.v4: IPAddress("10.88.2.1")!, .v6: IPAddress("fd88:2::1")!]
    static let identity = NodeIdentity(
        name: "node-1", nodePortAddresses: nodeAddresses.values.sorted(),
        ownAddresses: Set(nodeAddresses.values).union(nodeInside.values))

    init() throws {
        (client, node, backends) = (try NetworkHost(), try NetworkHost(), try NetworkHost())
        try node.link("c0", ["10.88.1.1/24", "fd88:1::1/64"], to: client, "eth0", ["10.88.1.2/24", "fd88:1::2/64"])
        try node.link(
            "b0", ["10.88.2.1/24", "fd88:2::1/64"], to: backends, "eth0",
            (2...6).flatMap { ["10.88.2.\($0)/24", "fd88:2::\($0)/64"] })
        try node.shell("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        for (host, number) in [(client, 1), (backends, 2)] {
            try host.shell("ip route add default via 10.88.\(number).1")
            try host.shell("ip -6 route add default via fd88:\(number)::1")
        }
    }

    static func backend(_ number: Int, _ family: IPFamily) -> IPAddress {
        IPAddress(family == .v4 ? "10.88.2.\(number)" : "fd88:2::\(number)")!
    }

    // MARK: Backends

    /// Starts a backend that tells its name and the client's address until its process ends.
    func serve(_ name: String, _ transport: TransportProtocol, on address: SocketAddress, at host: NetworkHost? = nil)
        throws
    {
        let descriptor = try (host ?? backends).run {
            let kind = transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
            let descriptor = Glibc.socket(address.ip.family == .v4 ? AF_INET : AF_INET6, Int32(kind.rawValue), 0)
            var yes: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
            let isBound = address.withSockaddr { bind(descriptor, $0, $1) } == 0
            guard isBound, transport == .udp || listen(descriptor, 1024) == 0 else {
                throw NetworkHost.Failure(description: "bind \(address): \(errno)")
            }
            return descriptor
        }
        let thread = Thread {
            var buffer = [UInt8](repeating: 0, count: 2048)
            while true {
                var peer = sockaddr_storage()
                var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                if transport == .tcp {
                    let connection = withUnsafeMutableBytes(of: &peer) {
                        accept(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
                    }
                    guard connection >= 0 else { return }
                    let answer = "\(name) \(IPAddress(peer))\n"
                    // Goes on until the client ends it: established flows are tested with it.
                    Thread.detachNewThread {
                        var buffer = [UInt8](repeating: 0, count: 2048)
                        while recv(connection, &buffer, buffer.count, 0) > 0 {
                            _ = answer.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL.rawValue)) }
                        }
                        close(connection)
                    }
                } else {
                    let count = withUnsafeMutableBytes(of: &peer) {
                        recvfrom(
                            descriptor, &buffer, buffer.count, 0,
                            $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
                    }
                    guard count >= 0 else { return }
                    let answer = Array("\(name) \(IPAddress(peer))\n".utf8)
                    _ = withUnsafeMutableBytes(of: &peer) {
                        sendto(
                            descriptor, answer, answer.count, 0,
                            $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), length)
                    }
                }
            }
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    // MARK: Clients

    /// Connects, or sends a datagram, once.
    func ask(
        _ transport: TransportProtocol, _ address: SocketAddress, from host: NetworkHost? = nil,
        as source: IPAddress? = nil, within milliseconds: Int = 2000
    ) throws -> Outcome {
        try (host ?? client).run {
            let conversation = try Conversation(transport, as: source, within: milliseconds)
                .connected(to: address)
            defer { conversation.end() }
            return conversation.ask()
        }
    }

    /// How often each backend answers to so many new flows.
    func tally(_ count: Int, _ transport: TransportProtocol, _ address: SocketAddress) throws -> [String: Int] {
        try client.run {
            var tally: [String: Int] = [:]
            for _ in 0..<count {
                let conversation = try Conversation(transport, as: nil, within: 2000).connected(to: address)
                tally[conversation.ask().backend ?? "none", default: 0] += 1
                conversation.end()
            }
            return tally
        }
    }
}

/// A socket of a client.
struct Conversation: Sendable {
    private let transport: TransportProtocol
    private let source: IPAddress?
    private let milliseconds: Int
    private var descriptor: Int32 = -1
    private var refusal: PacketNetwork.Outcome?

    init(_ transport: TransportProtocol, as source: IPAddress?, within milliseconds: Int) {
        self.transport = transport
        self.source = source
        self.milliseconds = milliseconds
    }

    func connected(to address: SocketAddress) throws -> Conversation {
        var result = self
        let kind = transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
        result.descriptor = Glibc.socket(address.ip.family == .v4 ? AF_INET : AF_INET6, Int32(kind.rawValue), 0)
        var timeout = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        setsockopt(result.descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(result.descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if let source {
            _ = SocketAddress(ip: source, port: Port(0)).withSockaddr { bind(result.descriptor, $0, $1) }
        }
        if address.withSockaddr({ connect(result.descriptor, $0, $1) }) != 0 {
            result.refusal = errno == ECONNREFUSED ? .refused : .silent
        }
        return result
    }

    func ask() -> PacketNetwork.Outcome {
        if let refusal { return refusal }
        guard send(descriptor, "x", 1, Int32(MSG_NOSIGNAL.rawValue)) == 1 else {
            return errno == ECONNREFUSED ? .refused : .silent
        }
        var buffer = [UInt8](repeating: 0, count: 512)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return errno == ECONNREFUSED ? .refused : .silent }
        let words = String(decoding: buffer[..<count], as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count >= 2, let seen = IPAddress(words[1]) else { return .silent }
        return .answered(String(words[0]), by: seen)
    }

    func end() { close(descriptor) }
}

extension SocketAddress {
    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length: Int
        if ip.family == .v4 {
            length = MemoryLayout<sockaddr_in>.size
            withUnsafeMutableBytes(of: &storage) { bytes in
                bytes.storeBytes(of: UInt16(AF_INET), as: UInt16.self)
                bytes.storeBytes(of: port.rawValue.bigEndian, toByteOffset: 2, as: UInt16.self)
                bytes[4..<8].copyBytes(from: ip.bytes)
            }
        } else {
            length = MemoryLayout<sockaddr_in6>.size
            withUnsafeMutableBytes(of: &storage) { bytes in
                bytes.storeBytes(of: UInt16(AF_INET6), as: UInt16.self)
                bytes.storeBytes(of: port.rawValue.bigEndian, toByteOffset: 2, as: UInt16.self)
                bytes[8..<24].copyBytes(from: ip.bytes)
            }
        }
        return withUnsafeBytes(of: &storage) {
            body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(length))
        }
    }
}

extension IPAddress {
    init(_ storage: sockaddr_storage) {
        self = withUnsafeBytes(of: storage) { bytes in
            Int32(storage.ss_family) == AF_INET ? IPAddress(bytes: bytes[4..<8])! : IPAddress(bytes: bytes[8..<24])!
        }
    }
}
