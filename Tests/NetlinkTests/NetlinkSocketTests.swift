import Glibc
import Testing

@testable import Netlink

/// Links can be listed by everybody.
@Suite("A conversation with the kernel") struct NetlinkSocketTests {
    private static let getLink: UInt16 = 18
    private static let newLink: UInt16 = 16
    private static let nameAttribute: UInt16 = 3

    private func linkHeader(_ writer: inout NetlinkWriter) {
        writer.append(contentsOf: [UInt8](repeating: 0, count: 16))
    }

    @Test func `a listing names the loopback interface`() throws {
        let socket = try NetlinkSocket(.route)
        var names: [String] = []
        for _ in 0..<2 {
            try socket.dump(type: Self.getLink, linkHeader, restart: { names = [] }) { message throws(NetlinkError) in
                #expect(message.type == Self.newLink && message.port == socket.port)
                if let name = try NetlinkAttributes(message.payload.dropFirst(16)).first(Self.nameAttribute)?.text {
                    names.append(name)
                }
            }
            #expect(names.contains("lo"))
        }
    }

    @Test func `a question has one answer`() throws {
        let socket = try NetlinkSocket(.route)
        let answer = try socket.ask(type: Self.getLink) { writer in
            linkHeader(&writer)
            writer.attribute(Self.nameAttribute, text: "lo")
        }
        let attributes = NetlinkAttributes(try #require(answer).payload.dropFirst(16))
        #expect(try attributes.first(Self.nameAttribute)?.text == "lo")
    }

    @Test func `what is not there is refused, with the number of the question`() throws {
        let socket = try NetlinkSocket(.route)
        #expect {
            try socket.ask(type: Self.getLink) { writer in
                linkHeader(&writer)
                writer.attribute(Self.nameAttribute, text: "nosuchlink")
            }
        } throws: { error in
            guard case NetlinkError.refused(let refusal)? = error as? NetlinkError else { return false }
            return refusal.number == ENODEV && refusal.sequence != 0
        }
    }

    @Test func `a bad attribute is named in words`() throws {
        let socket = try NetlinkSocket(.route)
        #expect {
            try socket.ask(type: Self.getLink) { writer in
                linkHeader(&writer)
                writer.attribute(Self.nameAttribute, text: String(repeating: "x", count: 300))
            }
        } throws: { error in
            guard case NetlinkError.refused(let refusal)? = error as? NetlinkError else { return false }
            return refusal.text?.isEmpty == false && refusal.offset == 32
        }
    }

    @Test func `waiting for nothing ends`() throws {
        let socket = try NetlinkSocket(.route, groups: [1], receiveTimeout: .milliseconds(20))
        #expect(try socket.receive(wait: false) == nil)
        #expect(throws: NetlinkError.timedOut) { try socket.receive() }
    }

    @Test func `answers that nobody takes are lost with an error, and the next question is answered`() throws {
        let socket = try NetlinkSocket(.route, receiveBuffer: 2048)
        var writer = NetlinkWriter()
        for _ in 0..<200 {
            writer.removeAll()
            writer.message(type: Self.getLink, flags: [.request, .acknowledge], sequence: socket.nextSequence()) {
                linkHeader(&$0)
                $0.attribute(Self.nameAttribute, text: "lo")
            }
            try socket.send(writer.bytes)
        }
        #expect(throws: NetlinkError.overrun) { while try socket.receive(wait: false) != nil {} }
        while try socket.receive(wait: false) != nil {}
        let answer = try socket.ask(type: Self.getLink) { writer in
            linkHeader(&writer)
            writer.attribute(Self.nameAttribute, text: "lo")
        }
        #expect(answer?.type == Self.newLink)
    }

    @Test func `a group that does not exist cannot be followed`() throws {
        let socket = try NetlinkSocket(.route)
        #expect(throws: NetlinkError.self) { try socket.join(100_000) }
    }
}
