/// A regular expression (RE2) over paths of requests, as they are after decoding: bytes, with letters of ASCII in both cases.
package struct RoutePattern: Sendable, Hashable {
    /// nil for one that is not asked. That, and one that cannot be compiled, stands for every path that begins with ``start``,
    /// if that is more than a slash, and answers 503.
    package var expression: String?
    /// What every path begins with that it matches, letters of ASCII in lower case; may be empty.
    package var start: [UInt8]

    /// One that is closed answers 503 for all that begins with ``start`` and that no pattern in front of it takes, whatever
    /// ``start`` is. Else such a one with no more than a slash takes nothing from the patterns behind it.
    package var keepsPlace: Bool

    package init(expression: String?, start: [UInt8], keepsPlace: Bool = false) {
        self.expression = expression
        self.start = start
        self.keepsPlace = keepsPlace
    }
}
