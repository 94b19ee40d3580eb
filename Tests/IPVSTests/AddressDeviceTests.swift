import Netlink
import NetworkTypes
import TestSupport
import Testing

@testable import IPVS

@Suite("A device that has addresses and leads nowhere") struct AddressDeviceTests {
    enum Subject: String, CaseIterable, CustomTestStringConvertible {
        case simulation, kernel
        var testDescription: String { rawValue }

        static let here: [Subject] = {
            let canMake =
                (try? PrivateNamespace.run { try KernelAddressDevice("martlet-trial").make(owner: "test") }) != nil
            if PrivateNamespace.isAvailable, canMake { return allCases }
            print("skipped: the kernel's own device, which needs root and the module dummy")
            return [.simulation]
        }()

        func run(_ body: @escaping @Sendable (any AddressDevice) throws -> Void) throws {
            switch self {
            case .simulation: try body(SimulatedAddressDevice())
            case .kernel: try PrivateNamespace.run { try body(KernelAddressDevice("martlet-test0")) }
            }
        }
    }

    @Test(arguments: Subject.here)
    func `it is made once, keeps addresses of both families, and goes with them`(subject: Subject) throws {
        try subject.run { device in
            let addresses = [IPAddress("10.96.0.1")!, IPAddress("10.96.0.2")!, IPAddress("fd96::1")!]
            #expect(try device.owner() == nil)
            #expect(try device.addresses() == [])
            #expect(throws: NetlinkError.self) { try device.add(addresses) }
            try device.make(owner: "somebody")
            try device.make(owner: "somebody else")
            #expect(try device.owner() == "somebody")
            #expect(try device.add(addresses) == [:])
            #expect(try device.add(Array(addresses.prefix(1))) == [:], "what is there already is no error")
            #expect(try device.addresses() == Set(addresses))
            #expect(try device.remove([addresses[0], IPAddress("10.96.0.9")!]) == [:], "nor is what is gone")
            #expect(try device.addresses() == Set(addresses.dropFirst()))
            try device.remove()
            try device.remove()
            #expect(try device.owner() == nil)
        }
    }
}
