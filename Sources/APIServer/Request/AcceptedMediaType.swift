/// One alternative of an `Accept` header (RFC 9110 section 12.5.1) with the parameters Kubernetes gives meaning to.
struct AcceptedMediaType: Sendable, Hashable {
    /// Lower case, "application/json".
    var type: String
    /// `as=Table`: the wanted shape.
    var shape = ""
    /// `g=meta.k8s.io`, `v=v1`: group and version of that shape.
    var group = ""
    var version = ""
    /// Thousandths.
    var quality = 1000

    /// The alternatives of a header, wanted first; equal quality keeps the order of the header.
    static func parse(_ header: String) -> [AcceptedMediaType] {
        var types: [AcceptedMediaType] = []
        for part in header.split(separator: ",") {
            var pieces = part.split(separator: ";", omittingEmptySubsequences: false).map(trimmed)[...]
            guard let name = pieces.popFirst(), !name.isEmpty else { continue }
            var type = AcceptedMediaType(type: name.lowercased())
            for piece in pieces {
                guard let equals = piece.firstIndex(of: "=") else { continue }
                let value = unquoted(piece[piece.index(after: equals)...])
                switch piece[..<equals].lowercased() {
                case "as": type.shape = value
                case "g": type.group = value
                case "v": type.version = value
                case "q": type.quality = thousandths(value)
                default: break
                }
            }
            if type.quality > 0 { types.append(type) }
        }
        // `sorted` is stable in fact but not by contract.
        return types.enumerated()
            .sorted { ($1.element.quality, $0.offset) < ($0.element.quality, $1.offset) }
            .map(\.element)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }

    private static func unquoted(_ text: Substring) -> String {
        if text.count >= 2, text.first == "\"", text.last == "\"" { return String(text.dropFirst().dropLast()) }
        return String(text)
    }

    private static func thousandths(_ text: String) -> Int {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard let first = parts.first, let whole = Int(first) else { return 1000 }
        guard parts.count == 2 else { return whole * 1000 }
        let digits = (parts[1] + "000").prefix(3)
        return whole * 1000 + (Int(digits) ?? 0)
    }
}
