import NetworkTypes

extension ZoneRecord {
    /// A line of a master file (RFC 1035, 5.1); data of a type without a form of its own as RFC 3597, 5 has it.
    package func line(ttl: UInt32) -> String { "\(name) \(ttl) IN \(type) \(dataText)" }

    private var dataText: String {
        switch type {
        case .a, .aaaa:
            if let ip = IPAddress(bytes: data) { return "\(ip)" }
        case .cname, .ptr, .ns, .dname:
            if let target = Self.name(data[...]) { return "\(target)" }
        case .srv:
            if data.count > 6, let target = Self.name(data[6...]) {
                let numbers = [0, 2, 4].map { "\(data.span.u16(at: $0))" }
                return (numbers + ["\(target)"]).joined(separator: " ")
            }
        case .txt:
            return Self.strings(data).map { "\"\($0)\"" }.joined(separator: " ")
        default: break
        }
        let digits = Array("0123456789abcdef")
        return "\\# \(data.count) " + String(data.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    private static func name(_ bytes: ArraySlice<UInt8>) -> DomainName? {
        var name = WireName()
        return name.take(Array(bytes).span, at: 0) ? name.name() : nil
    }

    /// Each string behind its length, with what is no visible ASCII as `\DDD`.
    private static func strings(_ data: [UInt8]) -> [String] {
        var result: [String] = []
        var index = 0
        while index < data.count {
            let end = min(data.count, index + 1 + Int(data[index]))
            var text = ""
            for byte in data[(index + 1)..<end] {
                if byte >= 32, byte < 127, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                    text.unicodeScalars.append(Unicode.Scalar(byte))
                } else {
                    let digits = String(byte)
                    text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            }
            result.append(text)
            index = end
        }
        return result
    }
}

extension DomainName {
    /// The order of names in a zone: by labels from the last to the first (RFC 4034, 6.1).
    package static func isOrdered(_ left: DomainName, _ right: DomainName) -> Bool {
        left.labels.reversed().lexicographicallyPrecedes(right.labels.reversed()) { $0.lexicographicallyPrecedes($1) }
    }

    private var labels: [ArraySlice<UInt8>] {
        var result: [ArraySlice<UInt8>] = []
        var index = 0
        while wire[index] != 0 {
            let end = index + 1 + Int(wire[index])
            result.append(wire[(index + 1)..<end])
            index = end
        }
        return result
    }
}
