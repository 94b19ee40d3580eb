/// When a request that an endpoint has failed is sent to another one (nginx' `proxy_next_upstream`).
package struct RetryPolicy: BitwiseCopyable, Sendable, Hashable {
    package struct Conditions: OptionSet, BitwiseCopyable, Sendable, Hashable {
        package let rawValue: UInt16

        package init(rawValue: UInt16) { self.rawValue = rawValue }

        /// It was not connected, or it closed before it answered.
        package static let error = Conditions(rawValue: 1)
        /// It was not connected in time.
        package static let connectTimeout = Conditions(rawValue: 2)
        /// It did not answer in time. The request may be at work there still.
        package static let responseTimeout = Conditions(rawValue: 4)
        /// It answered with what is no response.
        package static let invalidHeader = Conditions(rawValue: 8)
        /// It answered with that status.
        package static let http403 = Conditions(rawValue: 16)
        package static let http404 = Conditions(rawValue: 32)
        package static let http429 = Conditions(rawValue: 64)
        package static let http500 = Conditions(rawValue: 128)
        package static let http502 = Conditions(rawValue: 256)
        package static let http503 = Conditions(rawValue: 512)
        package static let http504 = Conditions(rawValue: 1024)

        /// That of an answer's status; none for those that are never a reason.
        static func of(status: Int32) -> Conditions {
            switch status {
            case 403: .http403
            case 404: .http404
            case 429: .http429
            case 500: .http500
            case 502: .http502
            case 503: .http503
            case 504: .http504
            default: []
            }
        }

        /// Those that are statuses.
        static let statuses: Conditions = [
            .http403, .http404, .http429, .http500, .http502, .http503, .http504,
        ]
    }

    package var conditions: Conditions
    /// Also requests that do something else when they are done twice.
    package var isForAll: Bool
    /// So many in all; 0 for ``ProxyLimits/maxAttempts``. At most 8.
    package var attempts: Int32
    /// Nanoseconds since the request came, after which it is not sent again; 0 for no such limit.
    package var timeout: UInt64

    package init(
        conditions: Conditions = [.error, .connectTimeout], isForAll: Bool = false, attempts: Int32 = 0,
        timeout: Duration = .zero
    ) {
        self.conditions = conditions
        self.isForAll = isForAll
        self.attempts = attempts
        self.timeout = EjectionPolicy.nanoseconds(timeout)
    }
}
