internal import COpenSSL
import NetworkTypes
import TrafficModel

/// The names of chains, as administrators know them from kube-proxy: those of one Service port end in the first 16
/// characters of the base32 text of a SHA-256 digest, so that they stay the same on every node and after every restart
/// and fit into the 28 characters that iptables has.
enum IPTablesChainName {
    /// What a chain of one Service port is for.
    enum Kind: String, CaseIterable {
        /// The endpoints that the cluster may use.
        case cluster = "KUBE-SVC-"
        /// The endpoints on this node.
        case local = "KUBE-SVL-"
        /// Traffic from outside.
        case external = "KUBE-EXT-"
        /// The guard of load-balancer addresses.
        case firewall = "KUBE-FW-"
        /// One endpoint.
        case endpoint = "KUBE-SEP-"
    }

    static func name(_ kind: Kind, port: String, _ transport: TransportProtocol) -> String {
        kind.rawValue + digest(port + transport.rawValue.lowercased())
    }

    static func name(ofEndpoint endpoint: SocketAddress, port: String, _ transport: TransportProtocol) -> String {
        Kind.endpoint.rawValue + digest(port + transport.rawValue.lowercased() + endpoint.description)
    }

    /// Whether a chain belongs to one Service port, by its name.
    static func isOfService(_ name: some StringProtocol) -> Bool {
        Kind.allCases.contains { name.hasPrefix($0.rawValue) }
    }

    /// 16 characters of base32 (RFC 4648) are the first 10 bytes.
    private static func digest(_ text: String) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        let bytes = Array(text.utf8)
        SHA256(bytes, bytes.count, &digest)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
        var result: [UInt8] = []
        var (bits, count): (UInt32, UInt32) = (0, 0)
        for byte in digest.prefix(10) {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                result.append(alphabet[Int(bits >> count & 31)])
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
