/// Decides when free heap goes back to the kernel: after a burst, once memory has stayed free for a while. Pure.
///
/// glibc keeps what was freed below a block that is in use, in every arena: after a few hundred large answers the process
/// occupies many times what it needs until somebody asks for the pages.
struct HeapTrimPolicy {
    /// Free bytes that are worth the work, which locks each arena for a moment.
    static let threshold = 16 << 20
    /// Looks in a row at which so much has to be free: a server at work needs it again at once.
    static let looks = 2

    private var streak = 0

    /// - Parameters:
    ///   - resident: Bytes of anonymous memory that the process occupies.
    ///   - used: Bytes of its heap that are in use.
    /// - Returns: Whether to give free heap back now.
    mutating func look(resident: Int, used: Int) -> Bool {
        // Beyond the threshold also by proportion: a large heap always has free pieces.
        guard resident - used > max(Self.threshold, used / 4) else {
            streak = 0
            return false
        }
        streak += 1
        guard streak >= Self.looks else { return false }
        streak = 0
        return true
    }
}
