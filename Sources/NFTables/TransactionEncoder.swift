internal import Netlink

/// Writes a transaction as netlink messages between the marks of a batch, and knows afterwards which message was what.
///
/// Elements go out many to a message: as many as an attribute, whose length has 16 bits, can hold.
struct TransactionEncoder {
    private struct Piece {
        var sequence: UInt32
        var start: Int
        var operation: Int
        /// The first of its elements.
        var element: Int
    }

    private(set) var writer: NetlinkWriter
    private var pieces: [Piece] = []
    private let table: NFTable
    private var sequence: UInt32
    private let first: UInt32
    private var setNumber: UInt32 = 0

    /// The kernel's part of a message's type, NFNL_SUBSYS_NFTABLES.
    static let subsystem: UInt16 = 10

    /// - Parameter sequence: of the batch's first mark; messages count up from it.
    init(_ transaction: NFTransaction, sequence: UInt32, expecting generation: UInt32?) {
        table = transaction.table
        writer = NetlinkWriter(capacity: 1 << 12)
        self.sequence = sequence
        first = sequence
        mark(16) { writer in
            if let generation { writer.attribute(1, bigEndian: generation) }
        }
        for (index, operation) in transaction.operations.enumerated() { encode(operation, index) }
        // The answer to the last operation says that all of it took effect: older kernels do not answer to marks.
        if let last = pieces.last { writer.add(.acknowledge, toMessageAt: last.start) }
        mark(17) { _ in }
    }

    var bytes: [UInt8] { writer.bytes }

    /// The last sequence number.
    var lastSequence: UInt32 { sequence &- 1 }

    func contains(sequence: UInt32) -> Bool { sequence &- first <= lastSequence &- first }

    /// Whether a sequence number is that of the mark at the beginning, which the kernel blames for what is wrong with
    /// the whole.
    func isMark(sequence: UInt32) -> Bool { sequence == first }

    /// Whether it is the message whose acknowledgement stands for the whole.
    func isLast(sequence: UInt32) -> Bool { pieces.last?.sequence == sequence }

    /// Which operation a refusal is about, and which of its elements.
    func place(of refusal: KernelRefusal) -> (operation: Int, element: Int?)? {
        let index = Int(refusal.sequence &- first &- 1)
        guard pieces.indices.contains(index) else { return nil }
        let piece = pieces[index]
        return (piece.operation, refusal.offset.flatMap { element(at: $0, in: piece) })
    }

    /// The element that holds the byte at `offset` of a message.
    private func element(at offset: Int, in piece: Piece) -> Int? {
        var rest = writer.bytes[piece.start...]
        // What we wrote ourselves is whole.
        guard let message = try? NetlinkMessage.next(&rest), message.type & 0xFF == 12 || message.type & 0xFF == 14,
            let list = try? NetlinkAttributes(message.payload.dropFirst(4)).first(3)
        else { return nil }
        var elements = list.attributes
        var index = piece.element
        while let element = try? elements.next() {
            if (element.payload.startIndex - 4..<element.payload.endIndex).contains(piece.start + offset) {
                return index
            }
            index += 1
        }
        return nil
    }

    // MARK: Messages

    private mutating func mark(_ type: UInt16, _ body: (inout NetlinkWriter) -> Void) {
        writer.message(type: type, flags: .request, sequence: sequence) { writer in
            writer.append(UInt16(0))
            writer.append(Self.subsystem.bigEndian)
            body(&writer)
        }
        sequence &+= 1
    }

    private mutating func begin(_ type: UInt16, _ flags: NetlinkFlags, _ operation: Int, element: Int = 0) -> Int {
        let start = writer.beginMessage(
            type: Self.subsystem << 8 | type, flags: flags.union(.request), sequence: sequence)
        pieces.append(Piece(sequence: sequence, start: start, operation: operation, element: element))
        sequence &+= 1
        writer.append(table.family.rawValue)
        writer.append(UInt8(0))
        writer.append(UInt16(0))
        writer.attribute(1, text: table.name)
        return start
    }

    private mutating func message(
        _ type: UInt16, _ flags: NetlinkFlags, _ operation: Int, _ body: (inout NetlinkWriter) -> Void = { _ in }
    ) {
        let start = begin(type, flags, operation)
        body(&writer)
        writer.endMessage(start)
    }

    private mutating func encode(_ operation: NFTransaction.Operation, _ index: Int) {
        switch operation {
        case .addTable: message(0, .create, index)
        case .deleteTable: message(2, [], index)
        case .addChain(let chain): message(3, .create, index) { Self.encode(chain, into: &$0) }
        case .deleteChain(let name): message(5, [], index) { $0.attribute(3, text: name) }
        case .flushChain(let name): message(8, [], index) { $0.attribute(2, text: name) }
        case .addRule(let rule): message(6, [.create, .append], index) { Self.encode(rule, into: &$0) }
        case .addSet(let set):
            setNumber += 1
            let number = setNumber
            message(9, .create, index) { Self.encode(set, number: number, into: &$0) }
        case .deleteSet(let name): message(11, [], index) { $0.attribute(2, text: name) }
        case .addElements(let set, let elements): encode(elements, of: set, 12, .create, index)
        case .deleteElements(let set, let elements): encode(elements, of: set, 14, [], index)
        case .flushSet(let name): message(14, [], index) { $0.attribute(2, text: name) }
        case .addFlowtable(let flowtable): message(22, .create, index) { Self.encode(flowtable, into: &$0) }
        case .deleteFlowtable(let name): message(24, [], index) { $0.attribute(2, text: name) }
        }
    }

    private mutating func encode(
        _ elements: [NFElement], of set: String, _ type: UInt16, _ flags: NetlinkFlags, _ operation: Int
    ) {
        var next = 0
        while next < elements.count {
            let start = begin(type, flags, operation, element: next)
            writer.attribute(2, text: set)
            let list = writer.beginNested(3)
            // The longest element, with a verdict for a chain whose name has 255 bytes, has fewer than 384.
            while next < elements.count, writer.count - list < NetlinkWriter.longestAttribute - 384 {
                Self.encode(elements[next], withData: type == 12, into: &writer)
                next += 1
            }
            writer.endNested(list)
            writer.endMessage(start)
        }
    }

    // MARK: Objects

    private static func encode(_ chain: NFChain, into writer: inout NetlinkWriter) {
        writer.attribute(3, text: chain.name)
        guard let hook = chain.hook else { return }
        writer.nested(4) { writer in
            writer.attribute(1, bigEndian: hook.point.rawValue)
            writer.attribute(2, bigEndian: hook.priority)
        }
        writer.attribute(5, bigEndian: hook.policy.rawValue)
        writer.attribute(7, text: hook.kind.rawValue)
    }

    private static func encode(_ rule: NFRule, into writer: inout NetlinkWriter) {
        writer.attribute(2, text: rule.chain)
        writer.nested(4) { writer in
            for expression in rule.expressions { expression.encode(into: &writer) }
        }
        if !rule.comment.isEmpty {
            // As `nft` writes it: type 0 is a comment, with a zero at its end.
            let comment = rule.comment.utf8.prefix(128)
            writer.attribute(7, [0, UInt8(comment.count + 1)] + comment + [0])
        }
    }

    private static func encode(_ set: NFSet, number: UInt32, into writer: inout NetlinkWriter) {
        writer.attribute(2, text: set.name)
        writer.attribute(3, bigEndian: set.flags)
        writer.attribute(4, bigEndian: set.key.id)
        writer.attribute(5, bigEndian: set.key.length)
        switch set.content {
        case .keys: break
        case .map(let type):
            writer.attribute(6, bigEndian: type.id)
            writer.attribute(7, bigEndian: type.length)
        case .verdicts: writer.attribute(6, bigEndian: NFSet.verdictType)
        }
        if set.size != nil || set.flags & 0x80 != 0 {
            writer.nested(9) { writer in
                if let size = set.size { writer.attribute(1, bigEndian: size) }
                guard set.flags & 0x80 != 0 else { return }
                writer.nested(2) { writer in
                    for part in set.key.parts {
                        writer.nested(1) { $0.attribute(1, bigEndian: part) }
                    }
                }
            }
        }
        writer.attribute(10, bigEndian: number)
        if let timeout = set.timeout, timeout > 0 { writer.attribute(11, bigEndian: timeout) }
    }

    private static func encode(_ element: NFElement, withData: Bool, into writer: inout NetlinkWriter) {
        let start = writer.beginNested(1)
        writer.data(1, element.key)
        if withData {
            switch element.data {
            case .none: break
            case .value(let value): writer.data(2, value)
            case .verdict(let verdict): writer.data(2, verdict)
            }
        }
        if element.isIntervalEnd { writer.attribute(3, bigEndian: UInt32(1)) }
        writer.endNested(start)
    }

    private static func encode(_ flowtable: NFFlowtable, into writer: inout NetlinkWriter) {
        writer.attribute(2, text: flowtable.name)
        writer.nested(3) { writer in
            // Ingress.
            writer.attribute(1, bigEndian: UInt32(0))
            writer.attribute(2, bigEndian: flowtable.priority)
            writer.nested(3) { writer in
                for device in flowtable.devices { writer.attribute(1, text: device) }
            }
        }
    }
}
