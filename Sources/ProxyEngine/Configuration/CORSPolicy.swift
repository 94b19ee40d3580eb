/// What browsers are told of requests that pages of other origins make (Fetch standard, "CORS protocol").
package struct CORSPolicy: Sendable, Hashable {
    /// An origin, or all below one.
    package struct Origin: Sendable, Hashable {
        /// In lower case, up to the host's name and with it where nothing is left open: `https://`.
        package var start: [UInt8]
        /// What follows one label or more, with the dot in front: `.example.com:8443`; nil for an origin that is all in `start`.
        package var end: [UInt8]?

        package init(start: [UInt8], end: [UInt8]? = nil) {
            self.start = start
            self.end = end
        }
    }

    /// nil for every origin.
    package var origins: [Origin]?
    /// The fields that go with `Access-Control-Allow-Origin`, as lines with their ends.
    package var lines: [UInt8]

    package init(origins: [Origin]? = nil, lines: [UInt8]) {
        self.origins = origins
        self.lines = lines
    }
}
