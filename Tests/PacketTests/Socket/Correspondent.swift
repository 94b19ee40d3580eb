import CLinux
import Foundation
import NetworkTypes
import TrafficModel

/// A UDP socket that names whom it sends to, and looks whom it hears.
final class Correspondent: @unchecked Sendable {
    // One thread at a time uses it: tests wait for each question.
    private let descriptor: Int32

    /// In the namespace of the calling thread.
    init(_ family: IPFamily) { descriptor = RawSocket.open(family, .udp) }

    deinit { close(descriptor) }

    /// Asks, and tells who answered: by its word, and by the address that it came from. Nil where nobody did.
    func ask(_ address: SocketAddress) -> (server: String, from: SocketAddress)? {
        for _ in 0..<20 {
            guard say(to: address) else { return nil }
            if let answer = hear() { return answer }
        }
        return nil
    }

    /// Asks without waiting.
    func say(to address: SocketAddress) -> Bool {
        RawSocket.with(address) { sendto(descriptor, "?", 1, Int32(MSG_NOSIGNAL), $0, $1) } == 1
    }

    /// The next answer; nil where none comes.
    func hear() -> (server: String, from: SocketAddress)? {
        guard RawSocket.isReady(descriptor, POLLIN, within: .milliseconds(500)) else { return nil }
        var peer = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = withUnsafeMutablePointer(to: &peer) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length)
            }
        }
        guard count > 0, let from = RawSocket.address(of: peer) else { return nil }
        let word = String(decoding: buffer[..<count], as: UTF8.self).split(separator: " ").first
        return (word.map(String.init) ?? "", from)
    }
}
