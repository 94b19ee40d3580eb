/// Why the server can't start.
package struct APIServerError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        case badTokenFile
        case unreadableFile
        case badConfiguration
        case cannotListen
        case store
    }

    package let code: Code
    /// One line for the operator.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
