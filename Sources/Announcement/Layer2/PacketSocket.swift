internal import Glibc
package import System

/// Frames of one protocol on every interface (packet(7)), without their headers; what this machine itself sends is not
/// among them. Needs CAP_NET_RAW. For one thread.
package final class PacketSocket {
    package enum Network: UInt16, Sendable {
        case arp = 0x0806
        case ipv6 = 0x86DD
    }

    /// One frame as it came.
    package struct Received {
        package var bytes: ArraySlice<UInt8>
        /// The index of the interface.
        package var link: Int32
        package var source: HardwareAddress?
    }

    package let descriptor: Int32
    private let network: Network
    private var buffer = [UInt8](repeating: 0, count: 512)

    /// Hears nothing before it is given a filter that lets something through.
    package init(_ network: Network) throws(SystemError) {
        // Without a protocol nothing comes before the filter stands.
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_PACKET, type, 0)
        guard descriptor >= 0 else { throw SystemError("open a packet socket", number: errno) }
        self.descriptor = descriptor
        self.network = network
        try setFilter(.nothing)
        var address = KernelLinkAddress(network, link: 0)
        let isBound = withUnsafeBytes(of: &address) {
            bind(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count)) == 0
        }
        guard isBound else { throw SystemError("bind a packet socket", number: errno) }
    }

    deinit { close(descriptor) }

    /// Lets through what the filter does from now on, in one step.
    package func setFilter(_ filter: PacketFilter) throws(SystemError) {
        var instructions = filter.instructions
        let isSet = instructions.withUnsafeMutableBufferPointer { instructions in
            var program = KernelProgram(
                count: UInt16(instructions.count), instructions: UnsafeMutableRawPointer(instructions.baseAddress))
            let size = socklen_t(MemoryLayout<KernelProgram>.size)
            return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, size) == 0
        }
        guard isSet else { throw SystemError("set the filter of a packet socket", number: errno) }
    }

    /// The next frame, valid until the next call; nil when there is none.
    package func receive() -> Received? {
        while true {
            var address = KernelLinkAddress(network, link: 0)
            var length = socklen_t(MemoryLayout<KernelLinkAddress>.size)
            let count = buffer.withUnsafeMutableBytes { buffer in
                withUnsafeMutableBytes(of: &address) { address in
                    recvfrom(
                        descriptor, buffer.baseAddress, buffer.count, 0,
                        address.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
                }
            }
            if count < 0 {
                // An interface that went down says so once (ENETDOWN); the others go on.
                if errno == EINTR || errno == ENETDOWN { continue }
                return nil
            }
            // PACKET_OUTGOING and PACKET_LOOPBACK are this machine's own.
            guard address.packetType < 4 else { continue }
            return Received(bytes: buffer[..<count], link: address.link, source: address.hardware)
        }
    }

    /// Sends one frame; one that the interface does not take is lost, as frames are.
    package func send(_ bytes: [UInt8], to destination: HardwareAddress, by link: Int32) -> Bool {
        var address = KernelLinkAddress(network, link: link)
        address.hardware = destination
        return bytes.withUnsafeBytes { bytes in
            withUnsafeBytes(of: &address) { address in
                sendto(
                    descriptor, bytes.baseAddress, bytes.count, 0,
                    address.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(address.count))
            }
        } == bytes.count
    }
}

/// `sockaddr_ll` of <linux/if_packet.h>, which Glibc's module lacks.
private struct KernelLinkAddress {
    var family = UInt16(AF_PACKET)
    /// In network order.
    var network: UInt16
    var link: Int32
    var hardwareType: UInt16 = 0
    var packetType: UInt8 = 0
    var hardwareLength: UInt8 = 0
    /// Eight bytes, of which Ethernet uses six; as halves, since a whole would not begin at the twelfth byte.
    var hardwareFirst: UInt32 = 0
    var hardwareRest: UInt32 = 0

    init(_ network: PacketSocket.Network, link: Int32) {
        self.network = network.rawValue.bigEndian
        self.link = link
    }

    var hardware: HardwareAddress? {
        get {
            guard hardwareLength == 6 else { return nil }
            return HardwareAddress(
                bits: UInt64(UInt32(bigEndian: hardwareFirst)) << 16 | UInt64(UInt32(bigEndian: hardwareRest) >> 16))
        }
        set {
            let bits = newValue?.bits ?? 0
            hardwareLength = newValue == nil ? 0 : 6
            hardwareFirst = UInt32(truncatingIfNeeded: bits >> 16).bigEndian
            hardwareRest = (UInt32(truncatingIfNeeded: bits) << 16).bigEndian
        }
    }
}

/// `struct sock_fprog` of <linux/filter.h>.
private struct KernelProgram {
    var count: UInt16
    var instructions: UnsafeMutableRawPointer?
}
