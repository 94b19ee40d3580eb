internal import CLinux

/// What epoll said about one descriptor. An error or hang-up counts as both readable and writable, so that
/// whichever operation comes next meets the error.
package struct ReadyEvents: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A read may yield bytes, end of stream, a new connection or an error.
    package static let readable = ReadyEvents(rawValue: 1)
    /// A write may make progress; a pending connect has ended.
    package static let writable = ReadyEvents(rawValue: 2)
    /// The peer will send nothing more (bytes may still be waiting to be read).
    package static let peerClosed = ReadyEvents(rawValue: 4)
    /// The socket has an error, or both directions are closed.
    package static let failed = ReadyEvents(rawValue: 8)

    init(epoll events: UInt32) {
        var value: UInt32 = 0
        if events & (MARTLET_EPOLLIN | MARTLET_EPOLLRDHUP | MARTLET_EPOLLHUP | MARTLET_EPOLLERR) != 0 { value |= 1 }
        if events & (MARTLET_EPOLLOUT | MARTLET_EPOLLHUP | MARTLET_EPOLLERR) != 0 { value |= 2 }
        if events & (MARTLET_EPOLLRDHUP | MARTLET_EPOLLHUP) != 0 { value |= 4 }
        if events & (MARTLET_EPOLLERR | MARTLET_EPOLLHUP) != 0 { value |= 8 }
        rawValue = value
    }
}
