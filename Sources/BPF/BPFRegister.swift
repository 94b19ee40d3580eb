/// A register of the machine that the kernel runs programs on (RFC 9669, section 2.1).
package enum BPFRegister: UInt8, CaseIterable, Sendable {
    /// What a call gave, and what the program returns.
    case r0
    /// What a call is given; it leaves nothing in them. `r1` holds the context at the beginning.
    case r1, r2, r3, r4, r5
    /// These survive a call.
    case r6, r7, r8, r9
    /// The end of the stack, which lies below. For reading only.
    case stack
}
