internal import Glibc
package import System

/// Why something asked of the kernel was not done.
package enum NetlinkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A system call failed.
    case system(SystemError)
    /// The kernel understood the request and refused it.
    case refused(KernelRefusal)
    /// The kernel had more to tell than the socket's buffer holds; some of it is lost.
    case overrun
    case timedOut
    /// What came makes no sense as netlink.
    case malformed(String)
    /// What was listed kept changing while it was listed.
    case interrupted

    /// `errno`, where there is one.
    package var number: Int32? {
        switch self {
        case .system(let error): error.number
        case .refused(let refusal): refusal.number
        case .overrun: ENOBUFS
        case .timedOut: ETIMEDOUT
        case .interrupted: EINTR
        case .malformed: nil
        }
    }

    package var description: String {
        switch self {
        case .system(let error): error.description
        case .refused(let refusal): refusal.description
        case .overrun: "the kernel's answers did not fit into the socket's buffer"
        case .timedOut: "the kernel did not answer in time"
        case .malformed(let what): "not a netlink message: \(what)"
        case .interrupted: "what was listed kept changing"
        }
    }
}

/// An error that the kernel answered with.
package struct KernelRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// `errno`, above 0.
    package var number: Int32
    /// The kernel's own words (NLMSGERR_ATTR_MSG), where it has any.
    package var text: String?
    /// The offset of the attribute that is to blame, from the beginning of the refused message (NLMSGERR_ATTR_OFFS).
    package var offset: Int?
    /// The sequence number of the message that was refused.
    package var sequence: UInt32

    package init(number: Int32, text: String? = nil, offset: Int? = nil, sequence: UInt32 = 0) {
        self.number = number
        self.text = text
        self.offset = offset
        self.sequence = sequence
    }

    package var description: String {
        let reason = SystemError("", number: number).reason
        return text.map { "\(reason) (\($0))" } ?? reason
    }
}
