internal import CLinux
internal import Glibc
package import NetworkTypes

/// The way back to whoever sent a datagram: the peer, and the address of this machine that it wrote to, which the answer
/// must come from.
package struct DatagramPath: Sendable {
    var raw: martlet_datagram_path
}

/// Room for a batch of datagrams and their answers, for servers that answer at once. Used on one loop only.
package final class DatagramBatch {
    package static let capacity = Int(MARTLET_ANSWER_BATCH)
    /// The largest datagram that arrives whole.
    package static let receiveSize = 4096
    /// Room for one answer.
    package static let answerSize = 4096

    private let incoming: UnsafeMutablePointer<UInt8>
    private let outgoing: UnsafeMutablePointer<UInt8>
    private let paths: UnsafeMutablePointer<martlet_datagram_path>
    private let lengths: UnsafeMutablePointer<UInt32>
    private let answers: UnsafeMutablePointer<UInt32>
    private var count = 0

    package init() {
        incoming = .allocate(capacity: Self.capacity * Self.receiveSize)
        outgoing = .allocate(capacity: Self.capacity * Self.answerSize)
        paths = .allocate(capacity: Self.capacity)
        paths.initialize(repeating: martlet_datagram_path(), count: Self.capacity)
        lengths = .allocate(capacity: Self.capacity)
        answers = .allocate(capacity: Self.capacity)
        answers.initialize(repeating: 0, count: Self.capacity)
    }

    deinit {
        incoming.deallocate()
        outgoing.deallocate()
        paths.deallocate()
        lengths.deallocate()
        answers.deallocate()
    }

    /// How many datagrams came; 0 when none wait. What was received before is gone.
    package func receive(_ descriptor: Int32) -> Int {
        repeat {
            count = Int(martlet_recv_paths(descriptor, incoming, Self.receiveSize, paths, lengths))
        } while count < 0 && errno == EINTR
        count = max(0, count)
        answers.update(repeating: 0, count: Self.capacity)
        return count
    }

    /// A datagram of the last batch; nil when it was too long and arrived cut.
    package func bytes(_ index: Int) -> UnsafeBufferPointer<UInt8>? {
        guard index < count, lengths[index] <= Self.receiveSize else { return nil }
        return UnsafeBufferPointer(start: incoming + index * Self.receiveSize, count: Int(lengths[index]))
    }

    package func peer(_ index: Int) -> SocketAddress? {
        index < count ? withUnsafeBytes(of: paths[index].peer) { SocketAddress(kernel: $0) } : nil
    }

    package func path(_ index: Int) -> DatagramPath {
        precondition(index < count, "a path is of a datagram that came")
        return DatagramPath(raw: paths[index])
    }

    /// Where the answer to a datagram of the last batch is written.
    package func room(_ index: Int) -> UnsafeMutableRawBufferPointer {
        precondition(index < Self.capacity, "there is room for a batch")
        return UnsafeMutableRawBufferPointer(start: outgoing + index * Self.answerSize, count: Self.answerSize)
    }

    /// The answer has so many bytes in its room.
    package func answer(_ index: Int, count: Int) {
        precondition(index < Self.capacity && count <= Self.answerSize, "an answer has room")
        answers[index] = UInt32(count)
    }

    /// Sends the answers. What the kernel cannot take is lost, as datagrams may be.
    package func send(_ descriptor: Int32) {
        guard count > 0 else { return }
        _ = martlet_send_paths(descriptor, outgoing, Self.answerSize, paths, answers, Int32(count))
        count = 0
    }
}

extension Socket {
    /// A bound UDP socket whose datagrams say which address they were sent to, for ``DatagramBatch``.
    package static func bindAnswering(_ address: SocketAddress) throws(TransportError) -> Int32 {
        let descriptor = try bindUDP(address, reusePort: true)
        let family = address.ip.family == .v4 ? AF_INET : AF_INET6
        guard martlet_tell_destination(descriptor, family) == 0 else {
            let number = errno
            Glibc.close(descriptor)
            throw .system(number, "IP_PKTINFO")
        }
        // Best effort: a burst of queries waits in the kernel rather than being lost.
        var size: Int32 = 1 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        _ = martlet_ignore_path_mtu(descriptor, family)
        return descriptor
    }

    /// Sends one datagram along a path that was kept.
    package static func send(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer, along path: DatagramPath) {
        var path = path.raw
        var length = UInt32(bytes.count)
        _ = martlet_send_paths(
            descriptor, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &path, &length, 1)
    }

    /// Nobody's word about the size of datagrams that pass on the path is taken; only what the interface itself cannot take
    /// is split.
    package static func ignorePathMTU(_ descriptor: Int32, _ family: IPFamily) {
        // A kernel without it treats datagrams of this size alike.
        _ = martlet_ignore_path_mtu(descriptor, family == .v4 ? AF_INET : AF_INET6)
    }
}
