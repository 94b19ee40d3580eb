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

    /// Sends one datagram. What the kernel can't take now is lost, as datagrams may be.
    package static func sendDatagram(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, to peer: SocketAddress) {
        _ = peer.withKernelAddress { sendto(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL), $0, $1) }
    }
}
