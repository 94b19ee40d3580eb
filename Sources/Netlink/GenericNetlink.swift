internal import Glibc

/// Generic netlink: families that have a name, and numbers that the kernel gives out as they come (<linux/genetlink.h>).
package enum GenericNetlink {
    /// The type of messages to the family that knows the others.
    static let controller: UInt16 = 0x10
    private static let getFamily: UInt8 = 3
    private static let familyID: UInt16 = 1
    private static let familyName: UInt16 = 2

    /// The header of each message: `struct genlmsghdr`.
    package static func header(command: UInt8, version: UInt8, _ writer: inout NetlinkWriter) {
        writer.append(command)
        writer.append(version)
        writer.append(UInt16(0))
    }

    /// The command of a message and its attributes.
    package static func read(_ message: NetlinkMessage) throws(NetlinkError) -> (
        command: UInt8, attributes: NetlinkAttributes
    ) {
        guard message.payload.count >= 4 else { throw .malformed("a message of \(message.payload.count) bytes") }
        return (message.payload[message.payload.startIndex], NetlinkAttributes(message.payload.dropFirst(4)))
    }

    static func question(_ name: String, _ writer: inout NetlinkWriter) {
        header(command: getFamily, version: 1, &writer)
        writer.attribute(familyName, text: name)
    }

    static func family(_ answer: NetlinkMessage) throws(NetlinkError) -> UInt16 {
        guard let number = try read(answer).attributes.first(familyID)?.host(UInt16.self) else {
            throw .malformed("a family without a number")
        }
        return number
    }
}

extension NetlinkSocket {
    /// The number of a family of generic netlink. The kernel may load a module for it.
    ///
    /// - Returns: nil where this kernel has none of that name.
    package func genericFamily(_ name: String) throws(NetlinkError) -> UInt16? {
        do throws(NetlinkError) {
            let answer = try ask(type: GenericNetlink.controller) { GenericNetlink.question(name, &$0) }
            guard let answer else { throw .malformed("no answer about the family \(name)") }
            return try GenericNetlink.family(answer)
        } catch {
            guard error.number == ENOENT else { throw error }
            return nil
        }
    }
}
