internal import CLinux
internal import Glibc
package import NetworkTypes

extension Socket {
    /// Receives one batch of datagrams and calls `body` with each and its sender. `scratch` is divided among the batch,
    /// so a datagram longer than `scratch.count / 16` bytes arrives cut short.
    ///
    /// - Returns: whether there may be more to receive at once.
    package static func receiveDatagrams(
        _ descriptor: Int32, scratch: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer, SocketAddress) -> Void
    ) -> Bool {
        let batch = Int(MARTLET_UDP_BATCH)
        let slice = scratch.count / batch
        return withUnsafeTemporaryAllocation(of: sockaddr_storage.self, capacity: batch) { peers in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: batch) { lengths in
                let count = martlet_recv_batch(
                    descriptor, scratch.baseAddress?.assumingMemoryBound(to: UInt8.self), slice, peers.baseAddress,
                    lengths.baseAddress)
                guard count > 0 else { return false }
                for index in 0..<Int(count) {
                    guard let peer = SocketAddress(kernel: peers[index]) else { continue }
                    let start = index * slice
                    body(UnsafeRawBufferPointer(rebasing: scratch[start..<start + Int(lengths[index])]), peer)
                }
                return Int(count) == batch
            }
        }
    }

    /// Has ``readDatagram(_:into:)`` know what came in pieces. Where the kernel cannot tell, everything came whole.
    package static func tellPieces(_ descriptor: Int32, _ family: IPFamily) {
        _ = martlet_tell_pieces(descriptor, family == .v4 ? AF_INET : AF_INET6)
    }

    /// One datagram of a connected socket, and whether it was put together from fragments: whoever can have a sender split what
    /// he sends can put a piece of his own in the place of one of them.
    package static func readDatagram(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) -> (transfer: Transfer, isInPieces: Bool) {
        while true {
            var isInPieces: Int32 = 0
            let count = martlet_recv_pieces(
                descriptor, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count, &isInPieces)
            if count > 0 { return (.bytes(count), isInPieces != 0) }
            if count == 0 { return (.closed, false) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return (.wouldBlock, false)
            case let number: return (.failed(number), false)
            }
        }
    }

    /// Sends one datagram. What the kernel can't take now is lost, as datagrams may be.
    package static func sendDatagram(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, to peer: SocketAddress) {
        _ = peer.withKernelAddress { sendto(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL), $0, $1) }
    }
}
