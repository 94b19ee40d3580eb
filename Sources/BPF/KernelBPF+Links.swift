internal import CLinux
internal import Glibc

/// Programs that are attached to control groups, whoever holds them. To find them needs CAP_SYS_ADMIN.
extension KernelBPF {
    /// One of them.
    package struct Attachment {
        package let link: BPFObject
        /// Up to 15 characters.
        package let name: String
        /// The numbers of the maps that the program uses.
        package let maps: Set<UInt32>
        /// The numbers of 64 bits that stand in the program.
        package let constants: Set<UInt64>
    }

    /// BPF_LINK_TYPE_CGROUP
    private static let groupLink: UInt32 = 3
    /// `enum bpf_cmd`.
    private enum Number {
        static let programByNumber: Int32 = 13
        static let information: Int32 = 15
        static let linkByNumber: Int32 = 30
        static let nextLink: Int32 = 31
        static let detachLink: Int32 = 34
    }

    /// Those of programs whose names begin so.
    package func attachments(named prefix: String) throws(BPFError) -> [Attachment] {
        var found: [Attachment] = []
        var number: UInt32 = 0
        while let next = try nextLink(after: number) {
            number = next
            // What ended meanwhile is none.
            guard let link = try object(Number.linkByNumber, number) else { continue }
            // struct bpf_link_info: type, id, prog_id, then the control group's number; 0 where it is detached.
            var facts = BPFFields()
            try information(link, &facts, 64)
            guard facts.number(at: 0) == Self.groupLink, facts.number(at: 16) != 0 || facts.number(at: 20) != 0,
                let program = try object(Number.programByNumber, facts.number(at: 8)),
                let attachment = try attachment(link, program, named: prefix)
            else { continue }
            found.append(attachment)
        }
        return found
    }

    /// Ends what a link does, whoever holds it.
    package func detach(_ link: BPFObject) throws(BPFError) {
        var fields = BPFFields()
        fields.put(UInt32(bitPattern: link.descriptor), at: 0)
        let result = fields.withBytes { martlet_bpf(Number.detachLink, $0.baseAddress, $0.count) }
        guard result >= 0 else { throw .refused(subject: "detach a program", number: errno) }
    }

    private func nextLink(after number: UInt32) throws(BPFError) -> UInt32? {
        var fields = BPFFields()
        fields.put(number, at: 0)
        let result = fields.withBytes { martlet_bpf(Number.nextLink, $0.baseAddress, $0.count) }
        if result >= 0 { return fields.number(at: 4) }
        guard errno != ENOENT else { return nil }
        throw .refused(subject: "look which programs are attached", number: errno)
    }

    private func object(_ command: Int32, _ number: UInt32) throws(BPFError) -> BPFObject? {
        var fields = BPFFields()
        fields.put(number, at: 0)
        let descriptor = fields.withBytes { martlet_bpf(command, $0.baseAddress, $0.count) }
        if descriptor >= 0 { return BPFObject(descriptor) }
        // ENOLINK: of a link that is being undone.
        guard errno != ENOENT, errno != ENOLINK else { return nil }
        throw .refused(subject: "look at what is attached", number: errno)
    }

    private func attachment(_ link: BPFObject, _ program: BPFObject, named prefix: String) throws(BPFError)
        -> Attachment?
    {
        // struct bpf_prog_info: xlated_prog_len at 20, xlated_prog_insns at 32, nr_map_ids at 52, map_ids at 56, name at 64
        var facts = BPFFields()
        try information(program, &facts, 80)
        let (size, count) = (Int(facts.number(at: 20)), Int(facts.number(at: 52)))
        let name = facts.name(at: 64)
        // Of somebody else's nothing more is asked.
        guard name.hasPrefix(prefix), size > 0, size <= 1 << 20, count <= 64 else { return nil }
        var code = [UInt8](repeating: 0, count: size)
        var maps = [UInt32](repeating: 0, count: max(count, 1))
        let result = code.withUnsafeMutableBytes { code in
            maps.withUnsafeMutableBytes { maps in
                Result { () throws(BPFError) -> Void in
                    var wanted = BPFFields()
                    wanted.put(UInt32(size), at: 20)
                    wanted.put(UnsafeRawPointer(code.baseAddress), at: 32)
                    wanted.put(UInt32(count), at: 52)
                    wanted.put(UnsafeRawPointer(maps.baseAddress), at: 56)
                    try information(program, &wanted, 80)
                }
            }
        }
        try result.get()
        return Attachment(
            link: link, name: name, maps: Set(maps.prefix(count)), constants: BPFProgram.constants(in: code))
    }

    private func information(_ object: BPFObject, _ facts: inout BPFFields, _ count: Int) throws(BPFError) {
        let result = facts.withBytes { bytes in
            var fields = BPFFields()
            fields.put(UInt32(bitPattern: object.descriptor), at: 0)
            fields.put(UInt32(min(count, bytes.count)), at: 4)
            fields.put(UnsafeRawPointer(bytes.baseAddress), at: 8)
            return fields.withBytes { martlet_bpf(Number.information, $0.baseAddress, $0.count) }
        }
        guard result >= 0 else { throw .refused(subject: "learn about what is attached", number: errno) }
    }
}

extension BPFProgram {
    /// The numbers of 64 bits that instructions of a program hold (BPF_LD | BPF_IMM | BPF_DW with no source: the kernel puts
    /// one there for the address of a map, too).
    static func constants(in code: [UInt8]) -> Set<UInt64> {
        func half(_ place: Int) -> UInt64 {
            code[place..<place + 4].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        var found: Set<UInt64> = []
        var place = 0
        while place + 16 <= code.count {
            guard code[place] == 0x18 else {
                place += 8
                continue
            }
            if code[place + 1] >> 4 == 0 { found.insert(half(place + 4) | half(place + 12) << 32) }
            place += 16
        }
        return found
    }
}
