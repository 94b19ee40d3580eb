package import NetworkTypes

/// How much one client, an IPv4 address or a network of 64 bits of IPv6, may ask of a table's routes; more is answered with 503.
package struct ClientLimits: Sendable, Hashable {
    /// Requests in a time, beside some at once: the generic cell rate algorithm (ITU-T I.371), which is nginx' `limit_req` with
    /// `nodelay`. In units of 1,024 ns.
    package struct Rate: Sendable, Hashable {
        /// Between two requests.
        let interval: UInt64
        /// How far ahead of its rate a client may be.
        let tolerance: UInt64
        /// Either is no more, ten hours: a fraction of what a place of ``RateTable`` can tell apart.
        static let most: UInt64 = 1 << 35

        /// - Parameter burst: that may come at once beyond the rate.
        package init(requests: Int, seconds: Int, burst: Int) {
            let units = UInt64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000 >> 10)
            let all = units.overflow ? Self.most : units.partialValue
            interval = min(max(1, all / UInt64(clamping: max(1, requests))), Self.most)
            let ahead = interval.multipliedReportingOverflow(by: UInt64(clamping: burst))
            tolerance = ahead.overflow ? Self.most : min(ahead.partialValue, Self.most)
        }
    }

    /// Clients of tables with other names are counted apart.
    package let name: String
    /// Of the name, in this process.
    let key: UInt64
    package var rates: [Rate]
    /// Requests under way at a time, upgraded connections among them; nil for any number.
    package var requests: Int?
    /// Who is not counted.
    package var exempt: AddressSet

    package init(name: String, rates: [Rate] = [], requests: Int? = nil, exempt: AddressSet = AddressSet([])) {
        self.name = name
        key = UInt64(bitPattern: Int64(name.hashValue))
        self.rates = rates
        self.requests = requests
        self.exempt = exempt
    }
}
