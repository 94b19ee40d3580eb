import Announcement
import DataPlane
import Foundation
import NetworkTypes
import Synchronization
import Transport

/// One of our sessions, running in a namespace until the value is gone (which closes the connection without a word) or
/// ``stop(_:)``.
final class Speaker: Sendable {
    private let loop: EventLoop
    private let connection: BGPPeerConnection

    private final class Box: Sendable {
        let notices = Mutex<[BGPPeerConnection.Notice]>([])
    }
    private let box: Box

    init(
        in namespace: Namespace, to endpoint: BGPPeerEndpoint, _ configuration: BGPSessionConfiguration,
        routes: [String: BGPRoute] = [:], isRestarting: Bool = false
    ) throws {
        let box = Box()
        self.box = box
        let (loop, links) = try namespace.run { (try EventLoop(name: "bgp"), LinkAddresses.current) }
        self.loop = loop
        let session = BGPSession(
            configuration, routes: try Self.prefixes(routes), isRestarting: isRestarting, seed: 1)
        connection = BGPPeerConnection(
            session, endpoint: endpoint, loop: loop,
            nextHops: { local in
                let hops = links.nextHops(for: local) { _ in false }
                return BGPNextHops(v4: hops.v4, v6: hops.v6, linkLocal: hops.linkLocal)
            },
            observe: { notice in
                if case .progressed = notice { return }
                box.notices.withLock { $0.append(notice) }
            })
        loop.execute { [connection] in connection.handle(.start) }
    }

    deinit {
        // The loop ends, and the descriptor is closed, behind this.
        loop.execute { [connection, loop] in
            connection.handle(.stop(nil))
            loop.stop()
        }
    }

    private static func prefixes(_ routes: [String: BGPRoute]) throws -> [CIDR: BGPRoute] {
        var result: [CIDR: BGPRoute] = [:]
        for (text, route) in routes {
            guard let prefix = CIDR(text) else { throw Namespace.Failure(description: "\(text) is no prefix") }
            result[prefix] = route
        }
        return result
    }

    func want(_ routes: [String: BGPRoute]) throws {
        let routes = try Self.prefixes(routes)
        loop.execute { [connection] in connection.want(routes) }
    }

    /// Ends the session with, or without, a word.
    func stop(_ notification: BGPNotification?) {
        loop.execute { [connection] in connection.handle(.stop(notification)) }
    }

    /// What the session says of itself, read on its loop.
    func session() -> BGPSession {
        let copy = Copy()
        let done = DispatchSemaphore(value: 0)
        loop.execute { [connection] in
            copy.value.withLock { $0 = connection.session }
            done.signal()
        }
        done.wait()
        guard let session = copy.value.withLock({ $0 }) else { preconditionFailure("the loop did not answer") }
        return session
    }

    private final class Copy: Sendable {
        let value = Mutex<BGPSession?>(nil)
    }

    /// Why tries and sessions have ended so far.
    var ends: [BGPSessionEnd] {
        box.notices.withLock { notices in
            notices.compactMap { if case .ended(let end) = $0 { end } else { nil } }
        }
    }
}
