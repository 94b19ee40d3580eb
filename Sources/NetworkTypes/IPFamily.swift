/// The two IP address families.
public enum IPFamily: Sendable, Hashable, CaseIterable {
    case v4
    case v6

    /// The spelling in `spec.ipFamilies` and `addressType`: `IPv4` or `IPv6`.
    public var kubernetesName: String {
        switch self {
        case .v4: "IPv4"
        case .v6: "IPv6"
        }
    }

    /// Reads `IPv4` or `IPv6`; any other spelling gives nil.
    public init?(kubernetesName: some StringProtocol) {
        switch kubernetesName {
        case "IPv4": self = .v4
        case "IPv6": self = .v6
        default: return nil
        }
    }

    /// Bits in an address: 32 or 128.
    public var bitWidth: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }
}
