/// Why bytes are no JSON document that can be kept.
public struct JSONError: Error, Hashable, Sendable {
    public enum Code: Sendable, Hashable {
        /// Something that the grammar does not allow here.
        case unexpectedByte
        /// The text ends inside a value.
        case unexpectedEnd
        /// More text after the document.
        case trailingBytes
        case invalidNumber
        /// A number that neither `Int64` nor `Double` can hold.
        case numberOutOfRange
        /// A bad escape or an unescaped control character.
        case invalidString
        case invalidUTF8
        case tooDeep
        case duplicateKey
    }

    public let code: Code
    public let message: String
    /// Bytes before the place of the error.
    public let offset: Int

    public init(_ code: Code, _ message: String, offset: Int) {
        self.code = code
        self.message = message
        self.offset = offset
    }
}

extension JSONError: CustomStringConvertible {
    public var description: String { "\(message) at offset \(offset)" }
}
