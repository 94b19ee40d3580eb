import Announcement
import NetworkTypes
import Testing

/// The table of RFC 7606 (and RFC 4271, section 6.3, where that stands): what each error in an UPDATE costs.
@Suite("Errors in UPDATE cost what RFC 7606 says")
struct BGPUpdateErrorTests {
    enum Fate: Hashable {
        case fine
        /// The attribute is ignored.
        case discard(UInt8)
        /// The routes count as withdrawn, for this attribute.
        case withdraw(UInt8)
        /// The session ends.
        case reset(subcode: UInt8)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let body: [UInt8]
        let fate: Fate
        var isInternal = false
        var fourOctets = true

        var testDescription: String { name }
    }

    // Attributes that are in order.
    private static let origin: [UInt8] = [0x40, 1, 1, 0]
    private static let path: [UInt8] = [0x40, 2, 6, 2, 1, 0, 0, 0xfb, 0xf4]
    private static let hop: [UInt8] = [0x40, 3, 4, 10, 0, 0, 1]
    private static let preference: [UInt8] = [0x40, 5, 4, 0, 0, 0, 100]
    private static let good = origin + path + hop
    private static let route: [UInt8] = [24, 192, 0, 2]

    /// An UPDATE's body.
    private static func body(_ attributes: [UInt8], withdrawn: [UInt8] = [], announced: [UInt8] = route) -> [UInt8] {
        [UInt8(withdrawn.count >> 8), UInt8(withdrawn.count & 255)] + withdrawn
            + [UInt8(attributes.count >> 8), UInt8(attributes.count & 255)] + attributes + announced
    }

    private static let reach6: [UInt8] =
        [0x80, 14, 26, 0, 2, 1, 16] + [UInt8](repeating: 0x20, count: 16) + [0, 32, 0x20, 1, 0xd, 0xb8]

    static let cases: [Case] = [
        Case(name: "nothing wrong", body: body(good), fate: .fine),
        Case(name: "an optional attribute that nobody knows", body: body(good + [0xc0, 200, 2, 1, 2]), fate: .fine),
        Case(
            name: "a well-known attribute that nobody knows", body: body(good + [0x40, 200, 0]),
            fate: .reset(subcode: 2)),
        Case(name: "withdrawn routes longer than the message", body: [0, 9, 24, 1], fate: .reset(subcode: 1)),
        Case(name: "attributes longer than the message", body: [0, 0, 0, 9, 0x40, 1], fate: .reset(subcode: 1)),
        Case(
            name: "a withdrawn route of 33 bits", body: body([], withdrawn: [33, 1, 2, 3, 4, 5], announced: []),
            fate: .reset(subcode: 10)),
        Case(
            name: "an announced route cut short", body: body(good, announced: [24, 192, 0]), fate: .reset(subcode: 10)),
        Case(name: "an attribute longer than all attributes", body: body(good + [0xc0, 8, 40, 1]), fate: .withdraw(0)),
        Case(name: "half an attribute's head", body: body(good + [0xc0]), fate: .withdraw(0)),
        Case(name: "ORIGIN marked optional", body: body([0xc0, 1, 1, 0] + path + hop), fate: .withdraw(1)),
        Case(name: "COMMUNITIES marked well-known", body: body(good + [0x40, 8, 4, 1, 2, 3, 4]), fate: .withdraw(8)),
        Case(name: "ORIGIN without a value", body: body([0x40, 1, 0] + path + hop), fate: .withdraw(1)),
        Case(name: "ORIGIN 3", body: body([0x40, 1, 1, 3] + path + hop), fate: .withdraw(1)),
        Case(name: "ORIGIN missing", body: body(path + hop), fate: .withdraw(1)),
        Case(name: "ORIGIN twice", body: body(good + [0x40, 1, 1, 7]), fate: .discard(1)),
        Case(
            name: "AS_PATH with a segment of type 9", body: body(origin + [0x40, 2, 6, 9, 1, 0, 0, 0, 1] + hop),
            fate: .withdraw(2)),
        Case(name: "AS_PATH with an empty segment", body: body(origin + [0x40, 2, 2, 2, 0] + hop), fate: .withdraw(2)),
        Case(name: "AS_PATH cut short", body: body(origin + [0x40, 2, 4, 2, 1, 0, 0] + hop), fate: .withdraw(2)),
        Case(
            name: "AS_PATH with a byte behind it", body: body(origin + [0x40, 2, 7, 2, 1, 0, 0, 0, 1, 2] + hop),
            fate: .withdraw(2)),
        Case(name: "AS_PATH missing", body: body(origin + hop), fate: .withdraw(2)),
        Case(
            name: "AS_PATH of two octets, read as such", body: body(origin + [0x40, 2, 4, 2, 1, 0xfb, 0xf4] + hop),
            fate: .fine, fourOctets: false),
        Case(
            name: "NEXT_HOP of 16 bytes", body: body(origin + path + [0x40, 3, 16] + [UInt8](repeating: 1, count: 16)),
            fate: .withdraw(3)),
        Case(name: "NEXT_HOP missing", body: body(origin + path), fate: .withdraw(3)),
        Case(name: "MULTI_EXIT_DISC of 3 bytes", body: body(good + [0x80, 4, 3, 1, 2, 3]), fate: .withdraw(4)),
        Case(name: "LOCAL_PREF from another AS", body: body(good + preference), fate: .discard(5)),
        Case(
            name: "LOCAL_PREF of 3 bytes from another AS", body: body(good + [0x40, 5, 3, 1, 2, 3]), fate: .discard(5)),
        Case(name: "LOCAL_PREF within the AS", body: body(good + preference), fate: .fine, isInternal: true),
        Case(
            name: "LOCAL_PREF of 3 bytes within the AS", body: body(good + [0x40, 5, 3, 1, 2, 3]), fate: .withdraw(5),
            isInternal: true),
        Case(name: "LOCAL_PREF missing within the AS", body: body(good), fate: .withdraw(5), isInternal: true),
        Case(name: "ATOMIC_AGGREGATE with a value", body: body(good + [0x40, 6, 1, 0]), fate: .discard(6)),
        Case(
            name: "AGGREGATOR of 6 bytes where 8 are due", body: body(good + [0xc0, 7, 6, 1, 2, 3, 4, 5, 6]),
            fate: .discard(7)),
        Case(
            name: "AGGREGATOR of 6 bytes where they are due",
            body: body(origin + [0x40, 2, 4, 2, 1, 0xfb, 0xf4] + hop + [0xc0, 7, 6, 1, 2, 3, 4, 5, 6]), fate: .fine,
            fourOctets: false),
        Case(name: "COMMUNITIES without a value", body: body(good + [0xc0, 8, 0]), fate: .withdraw(8)),
        Case(name: "COMMUNITIES of 5 bytes", body: body(good + [0xc0, 8, 5, 1, 2, 3, 4, 5]), fate: .withdraw(8)),
        Case(name: "ORIGINATOR_ID from another AS", body: body(good + [0x80, 9, 4, 1, 2, 3, 4]), fate: .discard(9)),
        Case(
            name: "ORIGINATOR_ID of 3 bytes within the AS", body: body(good + preference + [0x80, 9, 3, 1, 2, 3]),
            fate: .withdraw(9), isInternal: true),
        Case(name: "CLUSTER_LIST from another AS", body: body(good + [0x80, 10, 4, 1, 2, 3, 4]), fate: .discard(10)),
        Case(
            name: "CLUSTER_LIST without a value within the AS", body: body(good + preference + [0x80, 10, 0]),
            fate: .withdraw(10), isInternal: true),
        Case(
            name: "EXTENDED COMMUNITIES of 4 bytes", body: body(good + [0xc0, 16, 4, 1, 2, 3, 4]), fate: .withdraw(16)),
        Case(
            name: "IPv6 EXTENDED COMMUNITIES of 8 bytes", body: body(good + [0xc0, 25, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
            fate: .withdraw(25)),
        Case(
            name: "LARGE_COMMUNITY of 8 bytes", body: body(good + [0xc0, 32, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
            fate: .withdraw(32)),
        Case(
            name: "AS4_PATH among speakers of four octets", body: body(good + [0xc0, 17, 6, 2, 1, 0, 0, 0, 1]),
            fate: .discard(17)),
        Case(
            name: "AS4_PATH with an empty segment",
            body: body(origin + [0x40, 2, 4, 2, 1, 0xfb, 0xf4] + hop + [0xc0, 17, 2, 2, 0]), fate: .discard(17),
            fourOctets: false),
        Case(
            name: "AS4_AGGREGATOR of 6 bytes",
            body: body(origin + [0x40, 2, 4, 2, 1, 0xfb, 0xf4] + hop + [0xc0, 18, 6, 1, 2, 3, 4, 5, 6]),
            fate: .discard(18), fourOctets: false),
        Case(name: "routes of IPv6", body: body(origin + path + reach6, announced: []), fate: .fine),
        Case(
            name: "MP_REACH_NLRI twice", body: body(origin + path + reach6 + reach6, announced: []),
            fate: .reset(subcode: 1)),
        Case(
            name: "MP_REACH_NLRI with a next hop of 5 bytes",
            body: body(origin + path + [0x80, 14, 10, 0, 2, 1, 5, 1, 2, 3, 4, 5, 0], announced: []),
            fate: .reset(subcode: 9)),
        Case(
            name: "MP_REACH_NLRI with a route of 129 bits",
            body: body(
                origin + path + [0x80, 14, 22, 0, 2, 1, 16] + [UInt8](repeating: 1, count: 16) + [0, 129], announced: []
            ), fate: .reset(subcode: 9)),
        Case(
            name: "MP_REACH_NLRI of 3 bytes", body: body(origin + path + [0x80, 14, 3, 0, 2, 1], announced: []),
            fate: .reset(subcode: 9)),
        Case(
            name: "MP_REACH_NLRI of a family that we do not speak",
            body: body(origin + path + [0x80, 14, 6, 0x40, 4, 0x47, 0, 0, 9], announced: []), fate: .fine),
        Case(
            name: "MP_UNREACH_NLRI twice", body: body([0x80, 15, 3, 0, 2, 1, 0x80, 15, 3, 0, 2, 1], announced: []),
            fate: .reset(subcode: 1)),
        Case(
            name: "MP_UNREACH_NLRI of 2 bytes", body: body([0x80, 15, 2, 0, 2], announced: []), fate: .reset(subcode: 9)
        ),
        Case(
            name: "MP_UNREACH_NLRI marked transitive", body: body([0xc0, 15, 3, 0, 2, 1], announced: []),
            fate: .reset(subcode: 9)),
        Case(
            name: "an error where no routes are announced", body: body([0xc0, 8, 5, 1, 2, 3, 4, 5], announced: []),
            fate: .reset(subcode: 1)),
        Case(
            name: "a discarded attribute where no routes are announced", body: body([0x40, 6, 1, 0], announced: []),
            fate: .discard(6)),
    ]

    @Test(arguments: cases)
    func `an error costs the attribute, the routes or the session`(_ entry: Case) throws {
        let size = 19 + entry.body.count
        let message =
            [UInt8](repeating: 0xff, count: 16) + [UInt8(size >> 8), UInt8(size & 255), BGPMessageType.update.rawValue]
            + entry.body
        var stream = BGPMessageStream()
        stream.append(message)
        let fate: Fate
        do throws(BGPNotification) {
            let message = try stream.next(.init(fourOctetASN: entry.fourOctets, isInternal: entry.isInternal))
            guard case .update(let update) = message else {
                Issue.record("read as \(String(describing: message))")
                return
            }
            if let code = update.withdrawingAttributes.first {
                fate = .withdraw(code)
            } else if let code = update.discardedAttributes.first {
                fate = .discard(code)
            } else {
                fate = .fine
            }
        } catch {
            #expect(error.code == 3)
            fate = .reset(subcode: error.subcode)
        }
        #expect(fate == entry.fate)
    }

    @Test func `each attribute with a rule is in the table`() {
        let attributes = Set(
            Self.cases.compactMap { entry -> UInt8? in
                switch entry.fate {
                case .discard(let code), .withdraw(let code): code
                case .fine, .reset: nil
                }
            })
        #expect(attributes.isSuperset(of: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 17, 18, 25, 32]))
    }
}
