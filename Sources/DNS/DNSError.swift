/// What this module refuses. Tests and callers compare ``code``; ``message`` is for people.
package struct DNSError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// A text is no domain name.
        case invalidName
        /// A text is no regular expression.
        case invalidPattern
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
