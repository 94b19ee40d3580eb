extension YAMLDocument {
    /// Writes a document in block style, in the objects' own key order. Strings are plain where every reader takes them
    /// for strings, literal blocks where they have lines, else in double quotes.
    public static func encode(_ value: JSONValue) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(512)
        write(value, indent: 0, to: &output)
        if output.last != UInt8(ascii: "\n") { output.append(UInt8(ascii: "\n")) }
        return output
    }

    /// Writes a value at the start of a line that is indented already.
    private static func write(_ value: JSONValue, indent: Int, to output: inout [UInt8]) {
        switch value {
        case .object(let object) where !object.isEmpty:
            var isFirst = true
            for (key, member) in object {
                if !isFirst { startLine(indent, &output) }
                isFirst = false
                // A simple key ends within 1024 characters (YAML 1.1, 7.2); a longer one must be announced.
                let isLong = key.utf8.count > 160
                if isLong { output.append(contentsOf: "? ".utf8) }
                writeScalar(.string(key), indent: indent, inKey: true, to: &output)
                if isLong { startLine(indent, &output) }
                output.append(UInt8(ascii: ":"))
                switch member {
                case .object(let inner) where !inner.isEmpty:
                    startLine(indent + 2, &output)
                    write(member, indent: indent + 2, to: &output)
                case .array(let elements) where !elements.isEmpty:
                    // Like kubectl, a list stands at the indentation of its key.
                    startLine(indent, &output)
                    write(member, indent: indent, to: &output)
                default:
                    output.append(UInt8(ascii: " "))
                    writeScalar(member, indent: indent, inKey: false, to: &output)
                }
            }
        case .array(let elements) where !elements.isEmpty:
            var isFirst = true
            for element in elements {
                if !isFirst { startLine(indent, &output) }
                isFirst = false
                output.append(contentsOf: "- ".utf8)
                write(element, indent: indent + 2, to: &output)
            }
        default:
            writeScalar(value, indent: max(0, indent - 2), inKey: false, to: &output)
        }
    }

    private static func startLine(_ indent: Int, _ output: inout [UInt8]) {
        output.append(UInt8(ascii: "\n"))
        output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent))
    }

    /// Anything but a container with content. `indent` is that of the enclosing line.
    private static func writeScalar(_ value: JSONValue, indent: Int, inKey: Bool, to output: inout [UInt8]) {
        guard case .string(let text) = value else {
            value.encode(into: &output)
            return
        }
        if isPlain(text) {
            output.append(contentsOf: text.utf8)
        } else if !inKey, isLiteral(text) {
            output.append(contentsOf: (text.hasSuffix("\n") ? "|" : "|-").utf8)
            let body = text.hasSuffix("\n") ? text.dropLast() : text[...]
            for line in body.split(separator: "\n", omittingEmptySubsequences: false) {
                if line.isEmpty { output.append(UInt8(ascii: "\n")) } else { startLine(indent + 2, &output) }
                output.append(contentsOf: line.utf8)
            }
        } else {
            // JSON strings are YAML's double-quoted ones, except for DEL and the C1 controls, which must be escaped.
            var quoted: [UInt8] = []
            JSONText.append(text, to: &quoted)
            for scalar in String(decoding: quoted, as: UTF8.self).unicodeScalars {
                if scalar.value == 0x7f || (0x80...0x9f).contains(scalar.value) || scalar.value == 0xfeff {
                    let digits = String(scalar.value, radix: 16)
                    output.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
                } else {
                    output.append(contentsOf: String(scalar).utf8)
                }
            }
        }
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count < 4096,
            first != UInt8(ascii: "-"), first != UInt8(ascii: "?"), first != UInt8(ascii: ":"),
            !"#&*!|>'\"%@`[]{},=<~".utf8.contains(first), first != UInt8(ascii: " "),
            last != UInt8(ascii: " "), last != UInt8(ascii: ":"),
            text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f })
        else { return false }
        if text.contains(": ") || text.contains(" #") || text.hasPrefix("...") { return false }
        // Other readers know more types: one-letter booleans, dates, base-60 numbers.
        if ["y", "Y", "n", "N"].contains(text) { return false }
        if (UInt8(ascii: "+")...UInt8(ascii: "9")).contains(first) {
            if text.contains(":") { return false }
            if text.utf8.dropFirst(4).first == UInt8(ascii: "-") { return false }
        }
        // A text that resolves to another type, or to none, needs quotes.
        guard let value = try? YAMLScalar.plain(text) else { return false }  // out of range: not a plain string
        return value.string != nil
    }

    private static func isLiteral(_ text: String) -> Bool {
        guard text.contains("\n"), !text.hasPrefix(" "), !text.hasPrefix("\n"), !text.hasPrefix("\t"),
            !text.hasSuffix("\n\n"), text != "\n"
        else { return false }
        var previous: UInt8 = 0
        for byte in text.utf8 {
            guard byte == UInt8(ascii: "\n") || (byte >= 0x20 && byte < 0x7f) else { return false }
            if byte == UInt8(ascii: "\n"), previous == UInt8(ascii: " ") { return false }
            previous = byte
        }
        return previous != UInt8(ascii: " ")
    }
}
