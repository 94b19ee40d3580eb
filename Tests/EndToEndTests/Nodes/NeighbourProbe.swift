import Announcement
import CNamespaces
import Foundation
import NetworkTypes
import Synchronization
import System
import Testing

/// Asks for addresses on the wire over and over, from inside a network namespace, and keeps who answered and when.
final class NeighbourProbe: Sendable {
    struct Answer: Sendable {
        var address: IPAddress
        var hardware: HardwareAddress
        /// Since the beginning of the machine.
        var moment: Duration
        /// Nobody had asked for it.
        var isGratuitous: Bool
    }

    private struct State {
        var answers: [Answer] = []
        var failure: String?
        var isStopping = false
        var isDone = false
    }

    private let state = Mutex(State())

    /// - Parameters:
    ///   - own: an IPv4 and an IPv6 address of the interface.
    ///   - link: its index in the namespace.
    init(
        in network: OwnNetwork, asking addresses: [IPAddress], own: [IPAddress], hardware: HardwareAddress, link: Int32
    ) throws {
        let path = "/run/netns/\(network.name)"
        let thread = try BackgroundThread(name: "probe") { [self] in
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            defer { close(descriptor) }
            guard descriptor >= 0, martlet_namespace_enter(descriptor) == 0 else {
                return state.withLock {
                    $0.failure = "enter \(path)"
                    $0.isDone = true
                }
            }
            do {
                try ask(addresses, own, hardware, link)
            } catch {
                state.withLock { $0.failure = "\(error)" }
            }
            state.withLock { $0.isDone = true }
        }
        thread.detach()
    }

    private func ask(
        _ addresses: [IPAddress], _ own: [IPAddress], _ hardware: HardwareAddress, _ link: Int32
    ) throws(SystemError) {
        let arp = try PacketSocket(.arp)
        let ipv6 = try PacketSocket(.ipv6)
        try arp.setFilter(.arp(0, .max))
        try ipv6.setFilter(.neighbours)
        while !state.withLock(\.isStopping) {
            for address in addresses {
                guard let source = own.first(where: { $0.family == address.family }) else { continue }
                switch address.family {
                case .v4:
                    let question = ARPPacket(
                        .request, from: hardware, source, to: HardwareAddress(bits: 0), address)
                    _ = arp.send(question.bytes, to: .broadcast, by: link)
                case .v6:
                    let group = NeighbourMessage.solicitedNode(of: address)
                    let question = NeighbourMessage(
                        .solicitation, from: source, to: group, target: address, hardware: hardware)
                    _ = ipv6.send(
                        question.bytes, to: .multicast(ofGroupEndingIn: UInt32(truncatingIfNeeded: group.low)), by: link
                    )
                }
            }
            usleep(10_000)
            while let frame = arp.receive() {
                guard let packet = ARPPacket(frame.bytes), addresses.contains(packet.sender) else { continue }
                note(packet.sender, packet.senderHardware, packet.target == packet.sender)
            }
            while let frame = ipv6.receive() {
                guard let message = NeighbourMessage(frame.bytes), case .advertisement(let flags) = message.kind,
                    addresses.contains(message.target), let hardware = message.hardware
                else { continue }
                note(message.target, hardware, !flags.contains(.solicited))
            }
        }
    }

    private func note(_ address: IPAddress, _ hardware: HardwareAddress, _ isGratuitous: Bool) {
        let answer = Answer(
            address: address, hardware: hardware, moment: Layer2Speaker.now, isGratuitous: isGratuitous)
        state.withLock { $0.answers.append(answer) }
    }

    /// What came until now.
    func answers(for address: IPAddress) throws -> [Answer] {
        let state = state.withLock { $0 }
        if let failure = state.failure { throw OwnFailure(description: failure) }
        return state.answers.filter { $0.address == address }
    }

    struct OwnFailure: Error, CustomStringConvertible {
        let description: String
    }

    func stop() async throws {
        state.withLock { $0.isStopping = true }
        try await eventually(within: .seconds(10), "the probe to end") { self.state.withLock(\.isDone) }
    }
}
