/// JSON for human eyes, as Go's `json.MarshalIndent` with two spaces writes it.
public enum JSONIndentation {
    /// Breaks compact or other well-formed JSON into lines. The bytes are not checked: what is no JSON comes out as
    /// something else that is no JSON.
    public static func indented(_ chunks: [[UInt8]]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(chunks.reduce(0) { $0 + $1.count } * 3 / 2)
        var depth = 0
        var isInText = false
        var isEscaped = false
        // A bracket that has just been opened: `{}` and `[]` stay together.
        var isOpen = false
        for byte in chunks.joined() {
            if isInText {
                output.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): continue
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if !isOpen { breakLine(&output, depth) }
                isOpen = false
                output.append(byte)
                continue
            default: break
            }
            if isOpen { breakLine(&output, depth) }
            isOpen = false
            output.append(byte)
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                isOpen = true
            case UInt8(ascii: ","): breakLine(&output, depth)
            case UInt8(ascii: ":"): output.append(UInt8(ascii: " "))
            case UInt8(ascii: "\""): isInText = true
            default: break
            }
        }
        return output
    }

    private static func breakLine(_ output: inout [UInt8], _ depth: Int) {
        output.append(UInt8(ascii: "\n"))
        for _ in 0..<max(0, depth) {
            output.append(UInt8(ascii: " "))
            output.append(UInt8(ascii: " "))
        }
    }
}
