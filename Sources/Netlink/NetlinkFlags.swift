/// The flags of a message (netlink(7)). Bits above 0x80 mean different things in requests that read, requests that
/// change, and acknowledgements.
package struct NetlinkFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let request = NetlinkFlags(rawValue: 0x1)
    /// One of several messages, which `NetlinkMessage.Kind.done` ends.
    package static let multipart = NetlinkFlags(rawValue: 0x2)
    /// An acknowledgement is wanted.
    package static let acknowledge = NetlinkFlags(rawValue: 0x4)
    package static let echo = NetlinkFlags(rawValue: 0x8)
    /// What was listed changed while it was listed: some of it may be missing.
    package static let dumpInterrupted = NetlinkFlags(rawValue: 0x10)

    // Requests that read.
    package static let dump = NetlinkFlags(rawValue: 0x300)

    // Requests that change.
    package static let replace = NetlinkFlags(rawValue: 0x100)
    /// Fail where it exists already; with a deletion: delete nothing below it.
    package static let exclusive = NetlinkFlags(rawValue: 0x200)
    package static let create = NetlinkFlags(rawValue: 0x400)
    package static let append = NetlinkFlags(rawValue: 0x800)

    // Acknowledgements.
    /// The request is not repeated in it, only its header.
    package static let capped = NetlinkFlags(rawValue: 0x100)
    /// Attributes follow that say more.
    package static let extendedAcknowledgement = NetlinkFlags(rawValue: 0x200)
}
