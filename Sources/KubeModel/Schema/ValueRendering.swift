/// How a text is written once a Go program has read it into the field's type: kube-apiserver stores what it decoded, not
/// what it was sent, and clients in Go can't read some of what others send.
enum ValueRendering: Sendable {
    case asWritten
    /// `metav1.Time`: whole seconds, UTC.
    case time
    /// `metav1.MicroTime`: six decimals, UTC.
    case microTime
    /// `resource.Quantity`: the canonical form.
    case quantity
    /// `[]byte`: base64 in one line.
    case bytes

    /// By the name of the type that the schema stands for, `v1.MicroTime`.
    init(typeName: String?, format: String?) {
        switch (typeName, format) {
        case ("MicroTime", "date-time"): self = .microTime
        case (_, "date-time"): self = .time
        case (_, "byte"): self = .bytes
        case ("Quantity", _): self = .quantity
        default: self = .asWritten
        }
    }

    /// The value as it is stored; nil when it stays, also where it can't be read.
    func rendered(_ value: JSONValue) -> JSONValue? {
        switch (self, value) {
        case (.time, .string(let text)):
            // The canonical form alone has twenty characters.
            guard text.utf8.count != 20, let moment = Timestamp(text) else { return nil }
            return .string(moment.description)
        case (.microTime, .string(let text)):
            // What can't be read stays, to be named.
            guard Self.microTimeProblem(text) == nil, let moment = MicroTime(text) else { return nil }
            return moment.description == text ? nil : .string(moment.description)
        case (.quantity, .string(let text)):
            guard let quantity = Quantity(text) else { return nil }
            return quantity.description == text ? nil : .string(quantity.description)
        case (.quantity, .integer), (.quantity, .number):
            return Quantity(value.description).map { .string($0.description) }
        case (.bytes, .string(let text)):
            return Self.canonicalBase64(text).map { .string($0) }
        default: return nil
        }
    }

    /// nil when the text has that form already, or is none.
    private static func canonicalBase64(_ text: String) -> String? {
        let isOneLine = !text.utf8.contains { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        // Only the last four digits can say the same in several ways.
        let tail = String(Substring(text.utf8.suffix(4)))
        if isOneLine, Base64.decode(tail).map({ Base64.encode($0) == tail }) ?? true { return nil }
        return Base64.decode(text).map { Base64.encode($0) }
    }

    /// What a Go program reads from null where it keeps the place: an element of a list, a value of a map.
    var zero: JSONValue? {
        switch self {
        case .quantity: "0"
        case .time, .microTime: .null
        case .bytes: ""
        case .asWritten: nil
        }
    }

    /// Why a text that looks like the type's can't be read into it; nil when it can. In Go's words.
    func problem(_ text: String) -> String? {
        switch self {
        case .time:
            if Timestamp(text) != nil { return nil }
            return "parsing time \(goQuoted(text)) as \"2006-01-02T15:04:05Z07:00\": cannot parse \(goQuoted(text)) as "
                + "\"2006\""
        case .microTime: return Self.microTimeProblem(text)
        case .quantity: return Quantity(text) == nil ? Quantity.syntaxMessage : nil
        case .bytes, .asWritten: return nil
        }
    }

    /// Six decimals, no more and no less.
    private static func microTimeProblem(_ text: String) -> String? {
        let layout = "2006-01-02T15:04:05.000000Z07:00"
        func refusal(_ rest: some StringProtocol, _ part: String) -> String {
            "parsing time \(goQuoted(text)) as \"\(layout)\": cannot parse \(goQuoted(String(rest))) as \"\(part)\""
        }
        guard MicroTime(text) != nil else { return refusal(text, "2006") }
        let rest = Substring(text.utf8.dropFirst("2006-01-02T15:04:05".utf8.count))
        let digits = rest.utf8.dropFirst().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
        guard rest.utf8.first == UInt8(ascii: "."), digits >= 6 else { return refusal(rest, ".000000") }
        return digits == 6 ? nil : refusal(Substring(rest.utf8.dropFirst(7)), "Z07:00")
    }
}
