/// Which requests of a route go to its canary.
package struct CanaryRule: Sendable, Hashable {
    package struct Header: Sendable, Hashable {
        package enum Match: Sendable, Hashable {
            /// `always` means yes and `never` no.
            case word
            /// This value means yes.
            case value([UInt8])
            /// A value in which this regular expression (RE2) matches means yes.
            case pattern(String)
        }

        /// In lower case.
        package var name: [UInt8]
        package var match: Match

        package init(name: [UInt8], match: Match) {
            self.name = name
            self.match = match
        }
    }

    /// Asked first.
    package var header: Header?
    /// Then the cookie of this name: `always` means yes and `never` no.
    package var cookie: [UInt8]?
    /// Then the lot: so many of ``total``.
    package var weight: Int32
    package var total: Int32

    package init(header: Header? = nil, cookie: [UInt8]? = nil, weight: Int32 = 0, total: Int32 = 100) {
        self.header = header
        self.cookie = cookie
        self.weight = weight
        self.total = max(1, total)
    }
}
