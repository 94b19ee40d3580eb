package import NetworkTypes

/// Addresses as one label: `10-0-0-7`, `2001-db8--7`.
package enum AddressLabel {
    /// The address in its usual spelling with dashes for dots and colons.
    package static func text(_ ip: IPAddress) -> String {
        String(decoding: ip.description.utf8.map { $0 == 0x2e || $0 == 0x3a ? 0x2d : $0 }, as: UTF8.self)
    }

    /// Reads a label: four decimal numbers as IPv4, else as IPv6 in any spelling; nil for what is neither.
    package static func address(_ label: some Sequence<UInt8>) -> IPAddress? {
        let text = String(decoding: Array(label), as: UTF8.self)
        return IPAddress(text.replacing("-", with: ".")) ?? IPAddress(text.replacing("-", with: ":"))
    }
}
