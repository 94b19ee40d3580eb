internal import Glibc

/// The machine's processors.
package enum Processors {
    /// Those that are online; at least 1.
    package static var count: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
