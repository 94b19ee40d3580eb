import Glibc

/// The processors this process may run on.
enum SystemProcessors {
    static var count: Int { Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
