/// A function of the kernel that programs may call: `enum bpf_func_id` of `linux/bpf.h`.
package enum BPFFunction: Int32, CaseIterable, Sendable {
    /// r1 map, r2 key → the value's address, or 0.
    case lookup = 1
    /// r1 map, r2 key, r3 value, r4 flags → 0, or a negative errno.
    case update = 2
    /// r1 map, r2 key → 0, or a negative errno.
    case delete = 3
    /// → nanoseconds since the machine started, without the time that it slept.
    case nanoseconds = 5
    /// → 32 random bits.
    case random = 7
    /// r1 context → a number that no other socket has until the next boot.
    case socketCookie = 46
    /// r1 context, r2 level, r3 name, r4 value, r5 its length → 0, or a negative errno. As setsockopt(2).
    case setOption = 49
    /// r1 map, r2 socket, r3 first value or 0, r4 flags → the value's address, or 0.
    case socketStorage = 107
    /// r1 map, r2 socket → 0, or a negative errno.
    case deleteSocketStorage = 108
    /// r1 context → a number that no other network namespace has until the next boot.
    case namespaceCookie = 122

    /// The registers that it reads, from r1 on.
    package var arguments: Int {
        switch self {
        case .nanoseconds, .random: 0
        case .socketCookie, .namespaceCookie: 1
        case .lookup, .delete, .deleteSocketStorage: 2
        case .update, .socketStorage: 4
        case .setOption: 5
        }
    }

    /// Of `socketStorage`: makes what is not there.
    package static let create: Int32 = 1
}
