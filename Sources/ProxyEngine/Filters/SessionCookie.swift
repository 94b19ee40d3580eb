internal import Transport

/// The cookie of a session: 16 hexadecimal digits, which say something to us alone. Pure.
enum SessionCookie {
    /// What the request says; 0 for nothing, and for what we have not written.
    static func read(
        _ affinity: CookieAffinity, _ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>
    ) -> UInt64 {
        let value = RequestValue.cookie(affinity.name, head, bytes)
        guard value.count == 16 else { return 0 }
        var number: UInt64 = 0
        for byte in value {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x61...0x66: digit = byte - 0x57
            default: return 0
            }
            number = number << 4 | UInt64(digit)
        }
        return number
    }

    /// Whether a session is a canary's.
    static func isCanary(_ session: UInt64) -> Bool { session & 1 == 1 }

    /// A number as a session of a canary, or of none; never 0.
    static func marked(_ number: UInt64, isCanary: Bool) -> UInt64 {
        if isCanary { return number | 1 }
        return number & ~1 == 0 ? 2 : number & ~1
    }

    /// Room that ``write(_:_:isTLS:knowsSameSiteNone:now:to:)`` needs at most.
    static func bound(_ affinity: CookieAffinity) -> Int {
        affinity.name.count + affinity.attributes.count + 12 + 1 + 16 + 15 + 10 + 40 + 8 + 2
    }

    /// Writes the line `Set-Cookie: …` with its end (RFC 6265 section 4.1).
    ///
    /// - Parameters:
    ///   - knowsSameSiteNone: the client does.
    ///   - now: seconds since 1970.
    static func write(
        _ affinity: CookieAffinity, _ session: UInt64, isTLS: Bool, knowsSameSiteNone: Bool, now: Int,
        to out: inout ByteCursor
    ) {
        out.put("Set-Cookie: ")
        put(affinity.name, &out)
        out.put("=")
        out.put(hex: session)
        put(affinity.attributes, &out)
        if affinity.saysSameSiteNoneWhereKnown, knowsSameSiteNone { out.put("; SameSite=None") }
        if let expires = affinity.expires {
            out.put("; Expires=")
            let (date, isTooLate) = now.addingReportingOverflow(expires)
            // A year of four digits: the end of 9999.
            put(Array(HTTPDate.text(unixTime: isTooLate ? 253_402_300_799 : min(date, 253_402_300_799)).utf8), &out)
        }
        if affinity.secure == .always || affinity.secure == .asRequest && isTLS { out.put("; Secure") }
        out.put("\r\n")
    }

    private static func put(_ bytes: [UInt8], _ out: inout ByteCursor) {
        for byte in bytes { out.put(byte) }
    }
}
