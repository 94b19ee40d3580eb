/// The loop that the calling thread runs.
enum CurrentLoop {
    private static let value = ThreadValue()

    static var loop: EventLoop? {
        value.pointer.map { Unmanaged<EventLoop>.fromOpaque($0).takeUnretainedValue() }
    }

    /// - Parameter loop: outlives the setting: its thread keeps it and sets nil at its end.
    static func set(_ loop: EventLoop?) {
        value.pointer = loop.map { Unmanaged.passUnretained($0).toOpaque() }
    }
}
