/// The small page that goes with a status, in the form nginx gives it.
struct ErrorPage {
    private static let titleStart: StaticString = "<html>\r\n<head><title>"
    private static let headingStart: StaticString = "</title></head>\r\n<body>\r\n<center><h1>"
    private static let headingEnd: StaticString = "</h1></center>\r\n"
    private static let noteStart: StaticString = "<center>"
    private static let noteEnd: StaticString = "</center>\r\n"
    private static let end: StaticString = "<hr><center>martlet</center>\r\n</body>\r\n</html>\r\n"

    /// Stands for 400 to a client that spoke plain HTTP where TLS is expected; never sent as it is (nginx has the same
    /// number for it).
    static var plainHTTPToTLS: Int32 { 497 }
    /// Stand for 400 to a client that has shown no certificate, or a bad one; likewise.
    static var certificateMissing: Int32 { 496 }
    static var certificateBad: Int32 { 495 }
    /// Stands for 503 to a client that may try again at once; never sent as it is.
    static var notReady: Int32 { 599 }
    /// Stands for 503 where too many passwords wait to be checked, and for 429 where too many of one client do; likewise.
    static var passwordsWaiting: Int32 { 598 }
    static var tooManyPasswords: Int32 { 597 }

    /// As sent.
    let status: Int32
    let reason: StaticString
    /// Value of `Retry-After`: seconds.
    let retryAfter: StaticString?
    private let title: StaticString
    private let note: StaticString?

    init(_ status: Int32) {
        let isOfTLS = [Self.plainHTTPToTLS, Self.certificateMissing, Self.certificateBad].contains(status)
        self.status =
            switch status {
            case Self.notReady, Self.passwordsWaiting: 503
            case Self.tooManyPasswords: 429
            default: isOfTLS ? 400 : status
            }
        retryAfter = status >= Self.tooManyPasswords ? "1" : nil
        reason =
            switch self.status {
            case 204: "No Content"
            case 300: "Multiple Choices"
            case 301: "Moved Permanently"
            case 302: "Found"
            case 303: "See Other"
            case 304: "Not Modified"
            case 307: "Temporary Redirect"
            case 308: "Permanent Redirect"
            case 400: "Bad Request"
            case 401: "Authorization Required"
            case 403: "Forbidden"
            case 404: "Not Found"
            case 405: "Not Allowed"
            case 408: "Request Time-out"
            case 413: "Request Entity Too Large"
            case 414: "Request-URI Too Large"
            case 417: "Expectation Failed"
            case 421: "Misdirected Request"
            case 429: "Too Many Requests"
            case 431: "Request Header Fields Too Large"
            case 500: "Internal Server Error"
            case 501: "Not Implemented"
            case 502: "Bad Gateway"
            case 503: "Service Temporarily Unavailable"
            case 504: "Gateway Time-out"
            case 505: "HTTP Version Not Supported"
            default: "Error"
            }
        note =
            switch status {
            case Self.plainHTTPToTLS: "The plain HTTP request was sent to HTTPS port"
            case Self.certificateMissing: "No required SSL certificate was sent"
            case Self.certificateBad: "The SSL certificate error"
            case Self.passwordsWaiting, Self.tooManyPasswords: "Too many passwords wait to be checked"
            default: nil
            }
        title = note ?? reason
    }

    /// Responses with these statuses have no content (RFC 9110 sections 15.3.5 and 15.4.5).
    var hasBody: Bool { status != 204 && status != 304 }

    /// "NNN title", "NNN reason" and the note.
    var bodyCount: Int {
        let frame = Self.titleStart.utf8CodeUnitCount + Self.headingStart.utf8CodeUnitCount
        let ends = Self.headingEnd.utf8CodeUnitCount + Self.end.utf8CodeUnitCount
        let notes = note.map {
            Self.noteStart.utf8CodeUnitCount + $0.utf8CodeUnitCount + Self.noteEnd.utf8CodeUnitCount
        }
        return frame + ends + 8 + title.utf8CodeUnitCount + reason.utf8CodeUnitCount + (notes ?? 0)
    }

    func writeBody(_ out: inout ByteCursor) {
        out.put(Self.titleStart)
        out.put(decimal: Int(status))
        out.put(0x20)
        out.put(title)
        out.put(Self.headingStart)
        out.put(decimal: Int(status))
        out.put(0x20)
        out.put(reason)
        out.put(Self.headingEnd)
        if let note {
            out.put(Self.noteStart)
            out.put(note)
            out.put(Self.noteEnd)
        }
        out.put(Self.end)
    }
}
