package import System

extension Privileges {
    /// CAP_SYS_ADMIN: among much else, to find programs in the kernel by their numbers.
    package static let systemAdministration = Privileges(rawValue: 1 << 21)
}
