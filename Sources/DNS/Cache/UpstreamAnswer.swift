/// An answer that was checked and written anew: a whole message whose question is in lower case, without OPT, without
/// anything that was not asked for, and whose data has no compressed names.
package struct UpstreamAnswer: Hashable, Sendable {
    package var message: [UInt8]
    /// Seconds that it may be kept: the least of its records', or what RFC 2308 says for a denial.
    package var ttl: UInt32
    package var code: ResponseCode
    /// There is no such name, or none with such records.
    package var isDenial: Bool

    package init(message: [UInt8], ttl: UInt32, code: ResponseCode, isDenial: Bool) {
        self.message = message
        self.ttl = ttl
        self.code = code
        self.isDenial = isDenial
    }
}
