internal import Glibc
internal import System

/// A conversation with the kernel. It blocks: for threads of their own, never for a transport's loop. Not for two
/// threads at once.
///
/// What comes from another process than the kernel is thrown away unread.
package final class NetlinkSocket {
    package let family: NetlinkFamily
    /// What the kernel knows this socket by: notifications about our own changes carry it.
    package let port: UInt32
    /// Readable when something waits to be received; for nothing else.
    package let descriptor: Int32
    private var sequence: UInt32
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    private var sendBuffer = 0

    /// - Parameters:
    ///   - receiveTimeout: how long a receive waits before it fails with `timedOut`.
    ///   - receiveBuffer: bytes of answers and notifications that the kernel keeps for us; beyond the system's limit
    ///     only for those with CAP_NET_ADMIN.
    package init(
        _ family: NetlinkFamily, groups: [UInt32] = [], receiveTimeout: Duration = .seconds(10),
        receiveBuffer: Int = 1 << 20
    ) throws(NetlinkError) {
        let descriptor = Self.open(family)
        guard descriptor >= 0 else { throw .system(SystemError("open a netlink socket", number: errno)) }
        let port = Self.bind(descriptor)
        guard port != 0 else {
            // Before every property is set: afterwards `deinit` closes it.
            let number = errno
            close(descriptor)
            throw .system(SystemError("bind a netlink socket", number: number))
        }
        self.family = family
        self.port = port
        self.descriptor = descriptor
        sequence = UInt32.random(in: 1...(1 << 30))
        let (seconds, attoseconds) = receiveTimeout.components
        var timeout = timeval(
            tv_sec: Int(seconds), tv_usec: __suseconds_t(attoseconds / 1_000_000_000_000))
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if !set(SOL_SOCKET, SO_RCVBUFFORCE, Int32(clamping: receiveBuffer)) {
            set(SOL_SOCKET, SO_RCVBUF, Int32(clamping: receiveBuffer))
        }
        // Older kernels lack them: answers are then longer, and say less.
        set(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        set(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        for group in groups { try join(group) }
    }

    deinit { close(descriptor) }

    /// Subscribes to notifications.
    package func join(_ group: UInt32) throws(NetlinkError) {
        guard set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, Int32(bitPattern: group)) else {
            throw .system(SystemError("follow netlink group \(group)", number: errno))
        }
    }

    /// A number for one message; answers carry it.
    package func nextSequence() -> UInt32 {
        sequence &+= 1
        if sequence == 0 { sequence = 1 }
        return sequence
    }

    /// The numbers up to this one were used: by a datagram of many messages that was numbered elsewhere.
    package func skipSequences(to last: UInt32) { sequence = last }

    // MARK: Sending

    /// Sends messages as one datagram. What the kernel does with it is done when this returns; its answers wait.
    package func send(_ bytes: [UInt8]) throws(NetlinkError) {
        // The kernel takes a datagram only if the whole of it fits the socket's buffer.
        if bytes.count > sendBuffer {
            let wanted = Int32(clamping: max(bytes.count + 4096, 128 << 10))
            if set(SOL_SOCKET, SO_SNDBUFFORCE, wanted) || set(SOL_SOCKET, SO_SNDBUF, wanted) {
                sendBuffer = Int(wanted)
            }
        }
        while true {
            let sent = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
            if sent == bytes.count { return }
            guard sent < 0 else { throw .malformed("\(sent) of \(bytes.count) bytes were sent") }
            let number = errno
            if number == EINTR { continue }
            throw .system(SystemError("send \(bytes.count) bytes over netlink", number: number))
        }
    }

    // MARK: Receiving

    /// The next datagram from the kernel.
    ///
    /// - Parameter wait: whether to wait for one; nil comes back when there is none and nobody waits.
    package func receive(wait: Bool = true) throws(NetlinkError) -> ArraySlice<UInt8>? {
        while true {
            var sender: UInt32 = 0
            let received = buffer.withUnsafeMutableBytes {
                Self.receive(descriptor, into: $0, wait: wait, from: &sender)
            }
            guard received >= 0 else {
                switch errno {
                case EINTR: continue
                case EAGAIN where wait: throw .timedOut
                case EAGAIN: return nil
                case ENOBUFS: throw .overrun
                case let number: throw .system(SystemError("receive over netlink", number: number))
                }
            }
            guard sender == 0 else { continue }
            guard received <= buffer.count else { throw .malformed("a datagram of \(received) bytes") }
            return buffer[..<received]
        }
    }

    // MARK: Conversations

    /// Asks for one thing and returns what comes before the acknowledgement: nothing for a change, one message for a
    /// question.
    ///
    /// - Throws: `NetlinkError.refused` with the kernel's words.
    @discardableResult
    package func ask(type: UInt16, flags: NetlinkFlags = [], _ body: (inout NetlinkWriter) -> Void)
        throws(NetlinkError) -> NetlinkMessage?
    {
        let number = nextSequence()
        var writer = NetlinkWriter(capacity: 256)
        writer.message(type: type, flags: flags.union([.request, .acknowledge]), sequence: number, body)
        try send(writer.bytes)
        var answer: NetlinkMessage?
        while true {
            guard var datagram = try receive() else { throw .timedOut }
            while let message = try NetlinkMessage.next(&datagram) {
                // What an earlier conversation left behind.
                guard message.sequence == number else { continue }
                switch message.kind {
                case .answer:
                    if let refusal = try message.refusal() { throw .refused(refusal) }
                    return answer
                case .overrun: throw .overrun
                case .data: answer = message
                case .nothing, .done: break
                }
            }
        }
    }

    /// Lists, one message at a time. A listing that was disturbed begins again, at most `attempts` times.
    ///
    /// - Parameters:
    ///   - isStrict: what the last attempt has heard is thrown away as well where that one was disturbed. Otherwise it is
    ///     taken: the kernel says only that something changed meanwhile, not that what was asked for did.
    ///   - restart: called before each attempt: what an earlier one gave is to be forgotten.
    ///   - each: gets messages that are valid during the call.
    package func dump(
        type: UInt16, attempts: Int = 8, isStrict: Bool = true, _ body: (inout NetlinkWriter) -> Void,
        restart: () -> Void = {}, each: (NetlinkMessage) throws(NetlinkError) -> Void
    ) throws(NetlinkError) {
        for attempt in 1...attempts {
            restart()
            if try dumpOnce(type: type, takesAll: !isStrict && attempt == attempts, body, each) { return }
        }
        throw .interrupted
    }

    private func dumpOnce(
        type: UInt16, takesAll: Bool, _ body: (inout NetlinkWriter) -> Void,
        _ each: (NetlinkMessage) throws(NetlinkError) -> Void
    ) throws(NetlinkError) -> Bool {
        let number = nextSequence()
        var writer = NetlinkWriter(capacity: 256)
        writer.message(type: type, flags: [.request, .dump], sequence: number, body)
        try send(writer.bytes)
        var isWhole = true
        while true {
            guard var datagram = try receive() else { throw .timedOut }
            while let message = try NetlinkMessage.next(&datagram) {
                guard message.sequence == number else { continue }
                if message.flags.contains(.dumpInterrupted) { isWhole = takesAll }
                switch message.kind {
                case .answer:
                    if let refusal = try message.refusal() { return try again(refusal) }
                    return isWhole
                case .done:
                    if let refusal = message.refusalAtEnd { return try again(refusal) }
                    return isWhole
                case .overrun: throw .overrun
                case .nothing: break
                case .data: if isWhole { try each(message) }
                }
            }
        }
    }

    /// A listing that the kernel itself gave up because of a change is begun again.
    private func again(_ refusal: KernelRefusal) throws(NetlinkError) -> Bool {
        guard refusal.number == EINTR || refusal.number == EAGAIN else { throw .refused(refusal) }
        return false
    }

    // MARK: System calls

    private static func open(_ family: NetlinkFamily) -> Int32 {
        socket(AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), family.rawValue)
    }

    /// Takes an address of the kernel's choice; 0 where that failed, with `errno`.
    private static func bind(_ descriptor: Int32) -> UInt32 {
        var address = KernelAddress()
        var length = socklen_t(MemoryLayout<KernelAddress>.size)
        let isBound = withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
            return Glibc.bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
        }
        return isBound ? address.port : 0
    }

    /// Returns the whole length of the datagram, which may be more than the buffer has, or -1 with `errno`.
    private static func receive(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, wait: Bool, from sender: inout UInt32
    ) -> Int {
        var address = KernelAddress()
        var length = socklen_t(MemoryLayout<KernelAddress>.size)
        let flags = Int32(MSG_TRUNC) | (wait ? 0 : Int32(MSG_DONTWAIT))
        let count = withUnsafeMutableBytes(of: &address) { bytes in
            recvfrom(
                descriptor, buffer.baseAddress, buffer.count, flags,
                bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
        }
        sender = address.port
        return count
    }

    @discardableResult
    private func set(_ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        return setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }
}

/// `sockaddr_nl` of <linux/netlink.h>, which Glibc's module lacks.
private struct KernelAddress {
    var family = UInt16(AF_NETLINK)
    var padding: UInt16 = 0
    /// Of a socket; 0 is the kernel.
    var port: UInt32 = 0
    var groups: UInt32 = 0
}

// From <linux/netlink.h> and <linux/socket.h>.
private let SOL_NETLINK: Int32 = 270
private let NETLINK_ADD_MEMBERSHIP: Int32 = 1
private let NETLINK_CAP_ACK: Int32 = 10
private let NETLINK_EXT_ACK: Int32 = 11
