import TestSupport
import Testing

@testable import Netlink

@Suite("Netlink on the wire") struct NetlinkWireTests {
    private func sample() -> [UInt8] {
        var writer = NetlinkWriter()
        writer.message(type: 0x1234, flags: [.request, .acknowledge], sequence: 7) { writer in
            writer.append(UInt32(0xAABB_CCDD))
            writer.attribute(1, text: "web")
            writer.nested(2) { writer in
                writer.attribute(3, bigEndian: UInt16(80))
                writer.attribute(4, [1, 2, 3, 4, 5])
            }
            writer.attribute(5, host: UInt64(9))
        }
        return writer.bytes
    }

    @Test func `what is written is read again`() throws {
        var bytes = sample()[...]
        #expect(bytes.count % 4 == 0)
        let message = try #require(try NetlinkMessage.next(&bytes))
        #expect(bytes.isEmpty)
        #expect(message.type == 0x1234 && message.flags == [.request, .acknowledge] && message.sequence == 7)
        #expect(message.kind == .data)
        let attributes = NetlinkAttributes(message.payload.dropFirst(4))
        #expect(try attributes.first(1)?.text == "web")
        let nested = try #require(try attributes.first(2)).attributes
        #expect(try nested.first(3)?.bigEndian(UInt16.self) == 80)
        #expect(try nested.first(4)?.payload.elementsEqual([1, 2, 3, 4, 5]) == true)
        #expect(try nested.first(4)?.host(UInt32.self) == nil)
        #expect(try attributes.first(5)?.host(UInt64.self) == 9)
        #expect(try attributes.first(6) == nil)
    }

    @Test func `messages follow each other in one datagram`() throws {
        var bytes = (sample() + sample())[...]
        #expect(try NetlinkMessage.next(&bytes) != nil)
        #expect(try NetlinkMessage.next(&bytes) != nil)
        #expect(try NetlinkMessage.next(&bytes) == nil)
    }

    @Test func `flags can be added to a message that is written`() throws {
        var writer = NetlinkWriter()
        let start = writer.beginMessage(type: 20, flags: .request, sequence: 1)
        writer.endMessage(start)
        writer.add(.acknowledge, toMessageAt: start)
        var bytes = writer.bytes[...]
        #expect(try NetlinkMessage.next(&bytes)?.flags == [.request, .acknowledge])
    }

    @Test(arguments: [true, false])
    func `a refusal carries the kernel's words and the sequence number`(isCapped: Bool) throws {
        var request = NetlinkWriter()
        request.message(type: 20, flags: .request, sequence: 99) { $0.attribute(1, [1, 2, 3, 4]) }
        var writer = NetlinkWriter()
        let flags: NetlinkFlags = isCapped ? [.capped, .extendedAcknowledgement] : .extendedAcknowledgement
        writer.message(type: 2, flags: flags, sequence: 99) { writer in
            writer.append(Int32(-17))
            writer.append(contentsOf: isCapped ? Array(request.bytes.prefix(16)) : request.bytes)
            writer.attribute(1, text: "there is one already")
            writer.attribute(2, host: UInt32(16))
        }
        var bytes = writer.bytes[...]
        let refusal = try #require(try NetlinkMessage.next(&bytes)?.refusal())
        #expect(refusal == KernelRefusal(number: 17, text: "there is one already", offset: 16, sequence: 99))
        #expect(refusal.description == "File exists (there is one already)")
    }

    @Test func `an acknowledgement is no refusal`() throws {
        var writer = NetlinkWriter()
        writer.message(type: 2, flags: .capped, sequence: 3) { writer in
            writer.append(Int32(0))
            writer.append(contentsOf: [UInt8](repeating: 0, count: 16))
        }
        var bytes = writer.bytes[...]
        #expect(try NetlinkMessage.next(&bytes)?.refusal() == nil)
    }

    @Test func `a listing that failed says so at its end`() throws {
        var writer = NetlinkWriter()
        writer.message(type: 3, flags: .multipart, sequence: 3) { $0.append(Int32(-1)) }
        var bytes = writer.bytes[...]
        #expect(try NetlinkMessage.next(&bytes)?.refusalAtEnd?.number == 1)
    }

    /// Lengths that lie are the danger: nothing may be read beyond what came.
    @Test func `whatever comes is read or refused, and never traps`() {
        var random = SeededRandom(seed: 42)
        let seeds = [sample(), answer(), sample() + answer()]
        for round in 0..<40_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0...(random.next() % 6) {
                switch random.next() % 4 {
                case 0: bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.removeLast(Int(random.next() % UInt64(bytes.count)))
                case 2:
                    bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: Int(random.next() % UInt64(bytes.count)))
                default: bytes[Int(random.next() % UInt64(bytes.count))] = random.next() % 2 == 0 ? 0 : 0xFF
                }
                if bytes.isEmpty { bytes = [0] }
            }
            readAll(bytes)
        }
    }

    private func answer() -> [UInt8] {
        var writer = NetlinkWriter()
        writer.message(type: 2, flags: .extendedAcknowledgement, sequence: 99) { writer in
            writer.append(Int32(-17))
            writer.append(contentsOf: sample())
            writer.attribute(1, text: "no")
        }
        return writer.bytes
    }

    private func readAll(_ bytes: [UInt8]) {
        var rest = bytes[...]
        do {
            var count = 0
            while let message = try NetlinkMessage.next(&rest) {
                count += 1
                #expect(count <= bytes.count / 16)
                _ = message.refusalAtEnd
                if message.kind == .answer { _ = try message.refusal() }
                try walk(NetlinkAttributes(message.payload.dropFirst(4)), depth: 0)
            }
        } catch {
            #expect(error.number == nil)
        }
    }

    private func walk(_ attributes: NetlinkAttributes, depth: Int) throws(NetlinkError) {
        guard depth < 4 else { return }
        try attributes.forEach { attribute throws(NetlinkError) in
            _ = attribute.text
            _ = attribute.bigEndian(UInt32.self)
            // Not every payload holds attributes: then it is refused, which is as good.
            try? walk(attribute.attributes, depth: depth + 1)
        }
    }
}
