internal import Transport

/// Which browsers know the value `None` of the cookie attribute `SameSite`: older ones take it for `Strict`, or refuse the
/// cookie (The Chromium Projects, "SameSite=None: Known Incompatible Clients"; the same ones as in ingress-nginx). Pure.
enum SameSite {
    private static let name = Array("user-agent".utf8)
    private static let chrome = Array("Chrome/".utf8)
    private static let systems = [Array("CPU iPhone OS 12".utf8), Array("iPad; CPU OS 12".utf8)]
    private static let mojave = Array("Intel Mac OS X 10_14".utf8)
    private static let safari = Array("Safari".utf8)

    /// A client that does not say who it is is taken for one that knows.
    static func knowsNone(_ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>) -> Bool {
        knowsNone(RequestValue.field(name, head, bytes))
    }

    static func knowsNone(_ userAgent: RequestValue.Bytes) -> Bool {
        let chrome = position(of: Self.chrome, in: userAgent)
        if let chrome {
            // 40 to 69; the first digit of what has three is a 1.
            let digit = chrome + Self.chrome.count < userAgent.count ? userAgent[chrome + Self.chrome.count] : 0
            if 0x34...0x36 ~= digit { return false }
        }
        if systems.contains(where: { position(of: $0, in: userAgent) != nil }) { return false }
        return chrome != nil || position(of: mojave, in: userAgent) == nil || position(of: safari, in: userAgent) == nil
    }

    private static func position(of text: [UInt8], in bytes: RequestValue.Bytes) -> Int? {
        guard bytes.count >= text.count else { return nil }
        return (0...(bytes.count - text.count)).first { start in
            bytes[start] == text[0] && text.indices.allSatisfy { bytes[start + $0] == text[$0] }
        }
    }
}
