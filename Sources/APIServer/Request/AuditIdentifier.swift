import APIResources
import Synchronization

/// `Audit-Id`: the name of one request in the answer's header, as kube-apiserver gives it. Unique; not secret.
enum AuditIdentifier {
    /// Longer names than this, of clients that name their requests themselves, are cut (Kubernetes: 64).
    static let maximumLength = 64

    private static let seed = UInt64.random(in: 0...UInt64.max)
    private static let count = Atomic<UInt64>(0)

    /// A client's own name for its request, or a new one.
    static func make(given: String?) -> String {
        guard let given, !given.isEmpty else { return next() }
        return String(given.prefix(maximumLength))
    }

    /// An identifier that was not given before. A counter spread over all bits rather than random numbers, which cost a
    /// system call each.
    static func next() -> String {
        let count = count.add(2, ordering: .relaxed).newValue
        return NameGenerator.uuid(high: mixed(seed &+ count), low: mixed(~seed &+ count &+ 1))
    }

    /// SplitMix64's last step: a bijection, so that different numbers stay different.
    private static func mixed(_ number: UInt64) -> UInt64 {
        var bits = number &* 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
