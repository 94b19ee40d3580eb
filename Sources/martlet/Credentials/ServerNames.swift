import NetworkTypes

/// What clients call an API server: the names and addresses of its serving certificate.
struct ServerNames: Equatable {
    var names: [String]
    var addresses: [IPAddress]

    /// - Parameters:
    ///   - bindAddress: one that means every address stands for all of `local`.
    ///   - local: the machine's own addresses.
    ///   - further: addresses and names that the operator asks for.
    init(bindAddress: IPAddress, nodeName: String, local: [IPAddress], further: [String]) {
        names = [
            "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ]
        addresses = ["127.0.0.1", "::1"].compactMap { IPAddress($0) }
        add(nodeName)
        for address in bindAddress.isUnspecified ? local : [bindAddress] { add(address) }
        for text in further {
            if let address = IPAddress(text) { add(address) } else { add(text) }
        }
    }

    private mutating func add(_ name: String) {
        if Self.isName(name), !names.contains(name) { names.append(name) }
    }

    private mutating func add(_ address: IPAddress) {
        if !addresses.contains(address) { addresses.append(address) }
    }

    /// Whether a certificate may carry it: a DNS name, perhaps with a wildcard as its first label (RFC 6125, 6.4.3).
    static func isName(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 253 else { return false }
        var labels = text.split(separator: ".", omittingEmptySubsequences: false)
        if labels.count > 1, labels.first == "*" { labels.removeFirst() }
        return labels.allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63 && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == 0x2D
                }
        }
    }
}
