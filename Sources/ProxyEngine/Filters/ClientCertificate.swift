internal import Transport

/// What a client has shown of itself in TLS, in the words that backends get: made once for a connection, when the first
/// request needs it.
final class ClientCertificate {
    let verdict: TLSPeerCertificate.Verdict
    /// As RFC 2253 writes names.
    let subject: [UInt8]
    /// Lines of a head, each begun by CR and LF, in the names that ingress-nginx has for them.
    let lines: [UInt8]
    /// With the certificate itself.
    let linesWithCertificate: [UInt8]

    /// Of clients that have shown none.
    static let linesOfNone = Array("\r\nssl-client-verify: NONE".utf8)

    /// Longer names are nobody's: a head has room for so much.
    static let maxNameBytes = 4096

    init(_ peer: TLSPeerCertificate) {
        verdict = peer.verdict
        subject = Array(peer.subject.utf8)
        var lines = Array("\r\nssl-client-verify: ".utf8)
        switch peer.verdict {
        case .verified: lines += "SUCCESS".utf8
        case .failed(let reason, _): lines += "FAILED:\(reason)".utf8
        }
        for (name, value) in [("subject", peer.subject), ("issuer", peer.issuer)] where Self.isFieldValue(value) {
            lines += "\r\nssl-client-\(name)-dn: \(value)".utf8
        }
        self.lines = lines
        linesWithCertificate = lines + "\r\nssl-client-cert: ".utf8 + Self.escaped(peer.pem)
    }

    /// RFC 2253 leaves nothing that could end a line; whoever relies on that looks again.
    private static func isFieldValue(_ text: String) -> Bool {
        text.utf8.count <= maxNameBytes && text.utf8.allSatisfy { 0x20..<0x7F ~= $0 }
    }

    /// As nginx' `$ssl_client_escaped_cert`: all but letters, digits and `-._~` as in a URL.
    private static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + bytes.count / 4)
        for byte in bytes {
            let isPlain = (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || "-._~".utf8.contains(byte)
            if isPlain {
                result.append(byte)
            } else {
                result += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return result
    }
}
