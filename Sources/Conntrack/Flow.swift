/// A flow that the kernel tracks. Under NAT its reply comes from elsewhere than the original went to.
package struct Flow: Hashable, Sendable {
    /// As the one who began it sends.
    package var original: FlowTuple
    /// As answers are sent.
    package var reply: FlowTuple
    /// Tells it from later flows with the same addresses.
    package var id: UInt32
    /// Tables of one kernel that are kept apart: 0 but for those who ask for others.
    package var zone: UInt16

    package init(original: FlowTuple, reply: FlowTuple, id: UInt32 = 0, zone: UInt16 = 0) {
        self.original = original
        self.reply = reply
        self.id = id
        self.zone = zone
    }
}
