/// A regular expression (RE2) over paths of requests, as they are after decoding: bytes, with letters of ASCII in both cases.
package struct RoutePattern: Sendable, Hashable {
    /// nil for one that is not asked. That, and one that cannot be compiled, stands for every path that begins with ``start``,
    /// if that is more than a slash, and answers 503.
    package var expression: String?
    /// What every path begins with that it matches, letters of ASCII in lower case; may be empty.
    package var start: [UInt8]

    package init(expression: String?, start: [UInt8]) {
        self.expression = expression
        self.start = start
    }
}
