import KubeModel

/// Documents: what is read, written and read again is the same.
extension FuzzTarget {
    static func json(_ input: [UInt8]) {
        var duplicates: [String] = []
        let lenient = try? JSONParser.parse(input, duplicateKeys: &duplicates)
        let strict = parsed(input)
        check((strict == nil) == (lenient == nil || !duplicates.isEmpty), "only duplicate keys divide the two readers")
        guard let value = lenient else { return }
        let encoded = value.encoded()
        check(parsed(encoded) == value, "a document does not survive its own encoding: \(value)")
        check(parsed(encoded)?.encoded() == encoded, "the encoding is not stable")
    }

    static func yaml(_ input: [UInt8]) {
        var duplicates: [String] = []
        _ = try? YAMLDocument.parseAll(input)
        guard let value = try? YAMLDocument.parse(input, duplicateKeys: &duplicates) else { return }
        check(parsed(value.encoded()) == value, "what YAML says is no JSON: \(value)")
        let written = YAMLDocument.encode(value)
        do {
            let again = try YAMLDocument.parse(written)
            check(
                again == value,
                "a document does not survive YAML: \(value)\n\(String(decoding: written, as: UTF8.self))")
        } catch {
            // A value at the depth limit may be written deeper than it was read.
            check("\(error)".contains("deep") || "\(error)".contains("nest"), "what was written is not read: \(error)")
        }
    }

    static func protobuf(_ input: [UInt8]) {
        let framed = [0x6b, 0x38, 0x73, 0x00] + input
        for body in [input, framed] {
            guard let value = try? ProtobufDocument.parse(body) else { continue }
            check(parsed(value.encoded()) == value, "what a message says is no JSON: \(value)")
        }
        // The kind chosen by the first byte, without the envelope.
        guard let first = input.first else { return }
        let messages = ProtobufFields.messages.keys.sorted()
        let message = messages[Int(first) % messages.count]
        _ = try? ProtobufDocument.parse(framed, message: message)
    }

    static func continueToken(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        if let token = try? ContinueToken(parsing: text) {
            check((try? ContinueToken(parsing: token.text)) == token, "a token does not survive")
        }
        // The document itself, so that the search need not find base64 first.
        if let token = try? ContinueToken(parsing: Base64URL.encode(input)) {
            check((try? ContinueToken(parsing: token.text)) == token, "a token does not survive")
        }
        check(Base64URL.decode(Base64URL.encode(input)) == input, "base64 is not reversible")
    }
}
