internal import Glibc

/// What the kernel did not do, with what it was about.
package enum BPFError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A call failed. `subject` says what was tried, on what.
    case refused(subject: String, number: Int32)
    /// The kernel's check of a program failed: at which instruction, and what it said of it.
    case rejected(instruction: String, reason: String, number: Int32)
    /// A program or a map makes no sense in itself.
    case malformed(String)

    /// `errno`.
    package var number: Int32 {
        switch self {
        case .refused(_, let number), .rejected(_, _, let number): number
        case .malformed: EINVAL
        }
    }

    package var isForWantOfPermission: Bool { number == EPERM || number == EACCES && !isRejection }

    private var isRejection: Bool {
        if case .rejected = self { true } else { false }
    }

    package var description: String {
        switch self {
        case .refused(let subject, let number): "cannot \(subject): \(String(cString: strerror(number)))"
        case .rejected(let instruction, let reason, _): "the kernel rejects \(instruction): \(reason)"
        case .malformed(let text): text
        }
    }
}
