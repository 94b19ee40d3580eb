import DNS

/// Builds and takes apart messages in tests.
enum Wire {
    static func name(_ text: String) -> DomainName {
        guard let name = try? DomainName(text) else { preconditionFailure("\(text) is a name") }
        return name
    }

    static func bytes16(_ values: UInt16...) -> [UInt8] { values.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] } }

    /// The name as it was written, its case too.
    static func spelled(_ text: String) -> [UInt8] {
        text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    static func query(
        _ name: String, _ type: RecordType = .a, id: UInt16 = 0x1234, flags: UInt16 = 0x0100,
        class recordClass: UInt16 = 1,
        edns: (size: UInt16, options: [UInt8])? = nil, version: UInt8 = 0, signatures: Bool = false
    ) -> [UInt8] {
        var bytes = bytes16(id, flags, 1, 0, 0, edns == nil ? 0 : 1)
        bytes += spelled(name) + bytes16(type.rawValue, recordClass)
        if let edns {
            bytes += [0] + bytes16(41, edns.size) + [0, version] + bytes16(signatures ? 0x8000 : 0)
            bytes += bytes16(UInt16(edns.options.count)) + edns.options
        }
        return bytes
    }

    struct Record: Equatable {
        var name: String
        var type: RecordType
        var ttl: UInt32
        var data: [UInt8]
    }

    /// What a message says.
    struct Message {
        var header: MessageHeader
        var question: [UInt8] = []
        var answers: [Record] = []
        var authorities: [Record] = []
        var additional: [Record] = []

        var code: ResponseCode {
            let opt = additional.first { $0.type == .opt }
            return ResponseCode(rawValue: header.code | UInt16((opt?.ttl ?? 0) >> 24) << 4)
        }

        init?(_ bytes: [UInt8]) {
            guard let header = MessageHeader(bytes.span) else { return nil }
            self.header = header
            var index = MessageHeader.size
            var name = WireName()
            for _ in 0..<header.questionCount {
                guard let end = name.read(bytes.span, at: index) else { return nil }
                question = Array(bytes[index..<(end + 4)])
                index = end + 4
            }
            for (count, path) in [
                (header.answerCount, \Message.answers), (header.authorityCount, \.authorities),
                (header.additionalCount, \.additional),
            ] {
                for _ in 0..<count {
                    guard let record = RecordHeader(bytes.span, at: index), name.read(bytes.span, at: index) != nil
                    else {
                        return nil
                    }
                    self[keyPath: path].append(
                        Record(
                            name: name.name().description, type: record.type, ttl: record.ttl,
                            data: Array(bytes[record.dataStart..<record.dataEnd])))
                    index = record.dataEnd
                }
            }
            guard index == bytes.count else { return nil }
        }
    }
}
