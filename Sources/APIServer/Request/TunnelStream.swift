import Transport

/// A connection that has left HTTP, towards the client. Callable from any thread; never blocks.
///
/// `finish` ends the direction to the client only, `cancel` both at once. `onClose` tells of the end of both.
protocol TunnelStream: BodyStream {
    /// Has no more read from the client until `admitInput`.
    func holdInput()
    func admitInput()
    /// Takes no more from the client: the connection ends when the direction to the client is finished.
    func refuseInput()
}
