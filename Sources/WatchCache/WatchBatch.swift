import Synchronization

/// Events handed to a watcher together, in order; one batch may go to thousands of them.
package final class WatchBatch: Sendable {
    package let events: [WatchEvent]
    /// At least the length of `bytes`, roughly.
    let estimatedBytes: Int
    private let encoded = Mutex<[UInt8]?>(nil)
    private let otherEncoded = Mutex<[UInt8]?>(nil)

    init(_ events: [WatchEvent]) {
        self.events = events
        estimatedBytes = events.reduce(0) { $0 + $1.estimatedBytes }
    }

    /// The events in another encoding, made by `encode` once: it must always be the same function.
    package func encoded(_ encode: ([WatchEvent]) -> [UInt8]) -> [UInt8] {
        otherEncoded.withLock { encoded in
            if let encoded { return encoded }
            let bytes = encode(events)
            encoded = bytes
            return bytes
        }
    }

    /// The events' lines, encoded once: every call gives the same array.
    package var bytes: [UInt8] {
        encoded.withLock { encoded in
            if let encoded { return encoded }
            let bytes: [UInt8]
            if events.count == 1 {
                bytes = events[0].line
            } else {
                var joined: [UInt8] = []
                joined.reserveCapacity(estimatedBytes + events.count * 16)
                for event in events { event.append(to: &joined) }
                bytes = joined
            }
            encoded = bytes
            return bytes
        }
    }
}
