import Glibc
import Netlink
import NetworkTypes
import TestSupport
import Testing

@testable import IPVS

/// What the kernel and its fake have to do alike.
@Suite("Virtual servers") struct VirtualServersTests {
    enum Subject: String, CaseIterable, CustomTestStringConvertible {
        case simulation, kernel
        var testDescription: String { rawValue }

        static let here: [Subject] = {
            guard PrivateNamespace.isAvailable else {
                print("skipped: the kernel's own virtual servers, which need root")
                return [.simulation]
            }
            guard (try? PrivateNamespace.run { _ = try KernelVirtualServers() }) != nil else {
                print("skipped: the kernel's own virtual servers, since this kernel has no IPVS")
                return [.simulation]
            }
            return allCases
        }()

        func run(_ body: @escaping @Sendable (any VirtualServers) throws -> Void) throws {
            switch self {
            case .simulation: try body(SimulatedVirtualServers())
            case .kernel:
                try PrivateNamespace.run {
                    // A machine without any address is refused real servers.
                    let device = try KernelAddressDevice("martlet-test0")
                    try device.make(owner: "test")
                    _ = try device.add([IPAddress("10.96.0.10")!])
                    try body(KernelVirtualServers())
                }
            }
        }
    }

    static let keys = [
        VirtualServer.Key(transport: 6, address: SocketAddress("10.96.0.10:80")!),
        VirtualServer.Key(transport: 17, address: SocketAddress("10.96.0.10:80")!),
        VirtualServer.Key(transport: 6, address: SocketAddress("[fd96::a]:80")!),
    ]
    static let real = SocketAddress("10.1.2.3:8080")!

    @Test(arguments: Subject.here)
    func `what is made is listed, changed and removed`(subject: Subject) throws {
        try subject.run { servers in
            let made = Self.keys.map { key in
                VirtualServer(key: key, scheduler: .roundRobin, flags: [.owned, .persistent], persistence: 600)
            }
            let refusals = try servers.perform(made.map { .addServer($0) })
            #expect(refusals == [])
            #expect(Set(try servers.list()) == Set(made))
            let key = Self.keys[0]
            #expect(try servers.perform([.addReal(RealServer(Self.real), key)]) == [])
            #expect(try servers.realServers(of: key) == [.init(RealServer(Self.real))])
            #expect(try servers.perform([.changeReal(RealServer(Self.real, weight: 0), key)]) == [])
            #expect(try servers.realServers(of: key).map(\.server.weight) == [0])
            var other = made[0]
            (other.scheduler, other.flags, other.persistence) = (.maglevHashing, [.owned, .fallback], 0)
            #expect(try servers.perform([.changeServer(other)]) == [])
            // Persistence means nothing without its flag, and the kernel keeps some of it.
            let present = try servers.list().first { $0.key == key }
            #expect(present?.scheduler == .maglevHashing && present?.flags == [.owned, .fallback])
            #expect(try servers.perform([.removeReal(Self.real, key), .removeServer(Self.keys[1])]) == [])
            #expect(try servers.realServers(of: key) == [])
            #expect(Set(try servers.list().map(\.key)) == [Self.keys[0], Self.keys[2]])
            #expect(try servers.realServers(of: Self.keys[1]) == [])
        }
    }

    @Test(arguments: Subject.here)
    func `a refusal says what it is about, and the rest is done`(subject: Subject) throws {
        try subject.run { servers in
            let key = Self.keys[0]
            let server = VirtualServer(key: key, scheduler: .roundRobin)
            let other = VirtualServer(key: Self.keys[2], scheduler: IPVSScheduler(rawValue: "none-such"))
            let changes: [IPVSChange] = [
                .addReal(RealServer(Self.real), key), .addServer(server), .addServer(server), .addServer(other),
                .addReal(RealServer(Self.real), key), .addReal(RealServer(Self.real), key),
                .changeReal(RealServer(SocketAddress("10.9.9.9:9")!), key),
                .removeReal(SocketAddress("10.9.9.9:9")!, key), .removeServer(Self.keys[1]),
            ]
            let refusals = try servers.perform(changes)
            #expect(
                refusals.map(\.cause.number) == [ESRCH, EEXIST, ENOENT, EEXIST, ENOENT, ENOENT, ESRCH])
            #expect(
                refusals.map(\.change) == [
                    changes[0], changes[2], changes[3], changes[5], changes[6], changes[7], changes[8],
                ])
            #expect("\(refusals[1])".hasPrefix("virtual server 10.96.0.10:80/TCP: "))
            #expect("\(refusals[4])".hasPrefix("real server 10.9.9.9:9 of 10.96.0.10:80/TCP: "))
            #expect(try servers.list() == [server])
            #expect(try servers.realServers(of: key) == [.init(RealServer(Self.real))])
        }
    }

    @Test(arguments: Subject.here)
    func `hundreds of changes at once`(subject: Subject) throws {
        try subject.run { servers in
            let made = (1...1000).map { number in
                VirtualServer(
                    key: .init(transport: 6, address: SocketAddress(ip: Self.real.ip, port: Port(number))),
                    scheduler: .roundRobin)
            }
            let twice = made.map { IPVSChange.addServer($0) } + [.addServer(made[999])]
            let refusals = try servers.perform(twice)
            #expect(refusals.map(\.change) == [.addServer(made[999])])
            #expect(Set(try servers.list()) == Set(made))
        }
    }
}
