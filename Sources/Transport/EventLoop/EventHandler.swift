/// Receives readiness for descriptors registered with an ``EventLoop``.
///
/// One object may serve any number of descriptors: `token` is the value given at registration, so a slab of
/// connections needs a single handler and no object of its own for each. Called on the loop's thread only.
package protocol EventHandler: AnyObject {
    /// Events are edge-triggered: the handler must read and write until the socket would block (a short read or
    /// write means the same), or remember that it stopped early. Must not block. Events for a descriptor that was
    /// deregistered earlier in the same batch are never delivered.
    func handle(_ events: ReadyEvents, token: UInt64)
}
