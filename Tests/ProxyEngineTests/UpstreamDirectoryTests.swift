import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("The directory of upstreams") struct UpstreamDirectoryTests {
    private static func address(_ port: UInt16) -> SocketAddress { SocketAddress(ip: .loopbackV4, port: Port(port)) }

    private static func upstream(_ name: String, _ ports: UInt16...) -> ProxyConfiguration.Upstream {
        .init(name: name, endpoints: ports.map { address($0) })
    }

    /// The ports an upstream hands out in one turn.
    private static func ports(_ directory: inout UpstreamDirectory, at position: Int32) -> Set<UInt16> {
        let state = directory.beginExchange(at: position)
        defer { directory.endExchange(state.handle) }
        return Set(
            (0..<state.pointee.endpointCount).compactMap { _ in
                directory.endpoints.resolve(state.pointee.rotate())?.pointee.address.port.rawValue
            })
    }

    @Test func `a patch changes the endpoints of the upstreams it names and no others`() {
        var directory = UpstreamDirectory(seed: 1)
        directory.install([Self.upstream("a", 1, 2), Self.upstream("b", 2, 3)])
        directory.patch([Self.upstream("a", 4), Self.upstream("unknown", 9)])
        #expect(Self.ports(&directory, at: 0) == [4])
        #expect(Self.ports(&directory, at: 1) == [2, 3])
        directory.patch([Self.upstream("a")])
        #expect(Self.ports(&directory, at: 0) == [])
    }

    @Test func `an endpoint is orphaned when the last upstream lets it go, not before`() {
        var directory = UpstreamDirectory(seed: 1)
        directory.install([Self.upstream("a", 1, 2), Self.upstream("b", 2)])
        #expect(directory.takeOrphans().isEmpty)
        directory.patch([Self.upstream("a", 3)])
        let first = directory.takeOrphans()
        #expect(first.map { directory.endpoints[$0].pointee.address.port } == [1])
        for endpoint in first { directory.reclaim(endpoint) }
        #expect(directory.endpoints.count == 2)
        directory.patch([Self.upstream("b")])
        let second = directory.takeOrphans()
        #expect(second.map { directory.endpoints[$0].pointee.address.port } == [2])
        for endpoint in second { directory.reclaim(endpoint) }
        #expect(directory.endpoints.count == 1)
    }

    @Test func `an endpoint that moves from one upstream to another stays the same one`() {
        var directory = UpstreamDirectory(seed: 1)
        directory.install([Self.upstream("a", 1), Self.upstream("b")])
        let before = directory.beginExchange(at: 0)
        let endpoint = before.pointee.rotate()
        directory.patch([Self.upstream("a"), Self.upstream("b", 1)])
        #expect(directory.takeOrphans().isEmpty)
        let after = directory.beginExchange(at: 1)
        #expect(after.pointee.rotate() == endpoint)
    }

    @Test func `an endpoint with an open connection outlives its upstream until that closes`() {
        var directory = UpstreamDirectory(seed: 1)
        var pool = UpstreamPool()
        directory.install([Self.upstream("a", 1)])
        let endpoint = directory.beginExchange(at: 0).pointee.rotate()
        let connection = pool.open(to: directory.endpoints[endpoint])
        directory.patch([Self.upstream("a")])
        #expect(directory.takeOrphans() == [endpoint])
        directory.reclaim(endpoint)
        #expect(directory.endpoints.resolve(endpoint) != nil)
        // It comes back meanwhile: the same one again.
        directory.patch([Self.upstream("a", 1)])
        directory.patch([Self.upstream("a")])
        #expect(directory.takeOrphans() == [endpoint])
        pool.close(connection, of: directory.endpoints[endpoint])
        directory.reclaim(endpoint)
        #expect(directory.endpoints.resolve(endpoint) == nil)
    }

    @Test func `an upstream that is gone keeps its name until its last exchange ends`() {
        var directory = UpstreamDirectory(seed: 1)
        directory.install([Self.upstream("a", 1)])
        let state = directory.beginExchange(at: 0)
        directory.install([])
        var names: [String] = []
        directory.forEach { name, _ in names.append(name) }
        #expect(names == ["a"])
        // A patch does not bring it back.
        directory.patch([Self.upstream("a", 1)])
        #expect(state.pointee.rotate().isNone)
        directory.endExchange(state.handle)
        names = []
        directory.forEach { name, _ in names.append(name) }
        #expect(names.isEmpty)
    }
}

extension UpstreamDirectory {
    fileprivate func beginExchange(at position: Int32) -> State {
        let state = state(at: position)
        beginExchange(on: state)
        return state
    }
}
