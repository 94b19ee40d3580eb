internal import Netlink

extension NFExpression {
    /// Writes one element of a list of expressions. Numbers are those of <linux/netfilter/nf_tables.h>.
    func encode(into writer: inout NetlinkWriter) {
        writer.nested(1) { writer in
            writer.attribute(1, text: name)
            writer.nested(2) { encodeBody(into: &$0) }
        }
    }

    private var name: String {
        switch self {
        case .socketMark: "socket"
        case .untrack: "notrack"
        case .payload: "payload"
        case .meta, .setMeta: "meta"
        case .conntrack, .setConntrack: "ct"
        case .equal, .unequal: "cmp"
        case .mask: "bitwise"
        case .immediate, .verdict: "immediate"
        case .contained, .notContained, .lookup, .dispatch: "lookup"
        case .random: "numgen"
        case .hash: "hash"
        case .change: "dynset"
        case .destinationKind, .sourceKind: "fib"
        case .translateDestination: "nat"
        case .masquerade: "masq"
        case .refuse: "reject"
        case .offload: "flow_offload"
        case .counter: "counter"
        }
    }

    private func encodeBody(into writer: inout NetlinkWriter) {
        switch self {
        case .socketMark(let register):
            writer.attribute(1, bigEndian: UInt32(1))
            writer.attribute(2, bigEndian: register.number)
        case .payload(let header, let offset, let length, let register):
            writer.attribute(1, bigEndian: register.number)
            writer.attribute(2, bigEndian: header.rawValue)
            writer.attribute(3, bigEndian: offset)
            writer.attribute(4, bigEndian: length)
        case .meta(let key, let register):
            writer.attribute(1, bigEndian: register.number)
            writer.attribute(2, bigEndian: key.rawValue)
        case .setMeta(let key, let register):
            writer.attribute(2, bigEndian: key.rawValue)
            writer.attribute(3, bigEndian: register.number)
        case .conntrack(let key, let register):
            writer.attribute(1, bigEndian: register.number)
            writer.attribute(2, bigEndian: key.rawValue)
            if key.hasDirection { writer.attribute(3, host: UInt8(0)) }
        case .setConntrack(let key, let register):
            writer.attribute(2, bigEndian: key.rawValue)
            writer.attribute(4, bigEndian: register.number)
        case .equal(let register, let value), .unequal(let register, let value):
            writer.attribute(1, bigEndian: register.number)
            writer.attribute(2, bigEndian: isUnequal ? UInt32(1) : 0)
            writer.data(3, value)
        case .mask(let source, let mask, let register):
            writer.attribute(1, bigEndian: source.number)
            writer.attribute(2, bigEndian: register.number)
            writer.attribute(3, bigEndian: UInt32(mask.count))
            writer.data(4, mask)
            writer.nested(5) { $0.attribute(1, [UInt8](repeating: 0, count: mask.count)) }
        case .immediate(let value, let register):
            writer.attribute(1, bigEndian: register.number)
            writer.data(2, value)
        case .verdict(let verdict):
            writer.attribute(1, bigEndian: UInt32(0))
            writer.data(2, verdict)
        case .contained(let key, let set), .notContained(let key, let set), .dispatch(let key, let set),
            .lookup(let key, let set, _):
            writer.attribute(1, text: set)
            writer.attribute(2, bigEndian: key.number)
            if case .lookup(_, _, let register) = self { writer.attribute(3, bigEndian: register.number) }
            if case .dispatch = self { writer.attribute(3, bigEndian: UInt32(0)) }
            if case .notContained = self { writer.attribute(5, bigEndian: UInt32(1)) }
        case .random(let modulus, let offset, let register):
            writer.attribute(1, bigEndian: register.number)
            writer.attribute(2, bigEndian: modulus)
            writer.attribute(3, bigEndian: UInt32(1))
            if offset != 0 { writer.attribute(4, bigEndian: offset) }
        case .hash(let source, let length, let modulus, let seed, let offset, let register):
            writer.attribute(1, bigEndian: source.number)
            writer.attribute(2, bigEndian: register.number)
            writer.attribute(3, bigEndian: length)
            writer.attribute(4, bigEndian: modulus)
            writer.attribute(5, bigEndian: seed)
            if offset != 0 { writer.attribute(6, bigEndian: offset) }
            writer.attribute(7, bigEndian: UInt32(0))
        case .change(let set, let update, let key, let data, let milliseconds):
            writer.attribute(1, text: set)
            writer.attribute(3, bigEndian: update.rawValue)
            writer.attribute(4, bigEndian: key.number)
            if let data { writer.attribute(5, bigEndian: data.number) }
            writer.attribute(6, bigEndian: milliseconds)
        case .destinationKind(let register), .sourceKind(let register):
            writer.attribute(1, bigEndian: register.number)
            writer.attribute(2, bigEndian: UInt32(3))
            if case .sourceKind = self {
                writer.attribute(3, bigEndian: UInt32(1))
            } else {
                writer.attribute(3, bigEndian: UInt32(2))
            }
        case .translateDestination(let family, let address, let port):
            writer.attribute(1, bigEndian: UInt32(1))
            writer.attribute(2, bigEndian: UInt32(family.rawValue))
            writer.attribute(3, bigEndian: address.number)
            writer.attribute(5, bigEndian: port.number)
        case .masquerade(let isRandom):
            // NF_NAT_RANGE_PROTO_RANDOM_FULLY
            if isRandom { writer.attribute(1, bigEndian: UInt32(0x10)) }
        case .refuse(.tcpReset):
            writer.attribute(1, bigEndian: UInt32(1))
        case .refuse(.portUnreachable):
            writer.attribute(1, bigEndian: UInt32(2))
            writer.attribute(2, host: UInt8(1))
        case .offload(let flowtable): writer.attribute(1, text: flowtable)
        case .counter, .untrack: break
        }
    }

    private var isUnequal: Bool {
        if case .unequal = self { return true }
        return false
    }
}

extension NetlinkWriter {
    /// `nft_data` with a value.
    mutating func data(_ type: UInt16, _ value: NFValue) {
        let start = beginNested(type)
        let inner = beginAttribute(1)
        value.withBytes { append(contentsOf: $0) }
        endAttribute(inner)
        endNested(start)
    }

    /// `nft_data` with a verdict.
    mutating func data(_ type: UInt16, _ verdict: NFVerdict) {
        nested(type) { writer in
            writer.nested(2) { writer in
                writer.attribute(1, bigEndian: verdict.code)
                if let chain = verdict.chain { writer.attribute(2, text: chain) }
            }
        }
    }
}
