internal import Glibc

/// RLIMIT_NOFILE of this process.
package enum DescriptorLimit {
    /// More than anybody opens: where there is no limit, tables of this size are still small.
    private static let ceiling = 1 << 20

    /// How many descriptors may be open now.
    package static var current: Int {
        var limit = rlimit()
        guard getrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int(clamping: min(limit.rlim_cur, rlim_t(ceiling)))
    }

    /// Raises the soft limit to the hard one, once at the start of a process: 1,024, the usual soft limit, is there for
    /// programs that call select(2).
    /// - Returns: The limit that holds from now on.
    @discardableResult
    package static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return current }
        let wanted = min(limit.rlim_max, rlim_t(ceiling))
        if limit.rlim_cur < wanted {
            limit.rlim_cur = wanted
            // Refused by a sandbox: the old limit holds.
            _ = setrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit)
        }
        return current
    }
}
