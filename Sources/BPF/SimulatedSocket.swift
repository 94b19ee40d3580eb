/// A socket without a kernel, as programs see it.
package final class SimulatedSocket {
    package let cookie: UInt64
    /// The number of its network namespace.
    package var namespace: UInt64
    /// The interface that it is bound to.
    package var device: UInt32 = 0
    /// The address that it is bound to: 4 or 16 bytes, or none.
    package var source: [UInt8] = []
    package var mark: UInt32 = 0
    /// By map.
    var storage: [Int32: [UInt8]] = [:]

    package init(cookie: UInt64, namespace: UInt64) {
        self.cookie = cookie
        self.namespace = namespace
    }

    /// `struct bpf_sock`.
    var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 80)
        func put(_ number: UInt32, at place: Int16) {
            for index in 0..<4 { bytes[Int(place) + index] = UInt8(truncatingIfNeeded: number >> (8 * UInt32(index))) }
        }
        put(device, at: SocketField.device)
        put(mark, at: SocketField.mark)
        let place = source.count == 16 ? SocketField.source6 : SocketField.source4
        bytes.replaceSubrange(Int(place)..<Int(place) + source.count, with: source)
        return bytes
    }
}

/// What a process does with a socket: connect to an address, send to one, hear from one, ask for the one it is connected to.
package struct SocketCall {
    package let socket: SimulatedSocket
    /// 4 or 16 bytes.
    package var address: [UInt8]
    package var port: UInt16
    package let transport: UInt8

    package init(_ socket: SimulatedSocket, _ address: [UInt8], _ port: UInt16, transport: UInt8) {
        self.socket = socket
        self.address = address
        self.port = port
        self.transport = transport
    }

    private var place: Int { Int(address.count == 16 ? SocketCallField.address6 : SocketCallField.address4) }

    /// `struct bpf_sock_addr`.
    var bytes: [UInt8] {
        get {
            var bytes = [UInt8](repeating: 0, count: 72)
            bytes.replaceSubrange(place..<place + address.count, with: address)
            bytes[Int(SocketCallField.port)] = UInt8(port >> 8)
            bytes[Int(SocketCallField.port) + 1] = UInt8(port & 0xff)
            bytes[Int(SocketCallField.transport)] = transport
            return bytes
        }
        set {
            address = Array(newValue[place..<place + address.count])
            port = UInt16(newValue[Int(SocketCallField.port)]) << 8 | UInt16(newValue[Int(SocketCallField.port) + 1])
        }
    }
}
