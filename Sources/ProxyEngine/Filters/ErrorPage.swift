/// The small page that goes with a status, in the form nginx gives it.
struct ErrorPage {
    private static let titleStart: StaticString = "<html>\r\n<head><title>"
    private static let headingStart: StaticString = "</title></head>\r\n<body>\r\n<center><h1>"
    private static let end: StaticString =
        "</h1></center>\r\n<hr><center>martlet</center>\r\n</body>\r\n</html>\r\n"

    let status: Int32
    let reason: StaticString

    init(_ status: Int32) {
        self.status = status
        reason =
            switch status {
            case 308: "Permanent Redirect"
            case 400: "Bad Request"
            case 404: "Not Found"
            case 405: "Not Allowed"
            case 408: "Request Time-out"
            case 413: "Request Entity Too Large"
            case 414: "Request-URI Too Large"
            case 417: "Expectation Failed"
            case 431: "Request Header Fields Too Large"
            case 501: "Not Implemented"
            case 502: "Bad Gateway"
            case 503: "Service Temporarily Unavailable"
            case 504: "Gateway Time-out"
            case 505: "HTTP Version Not Supported"
            default: "Error"
            }
    }

    /// "NNN reason", twice.
    var bodyCount: Int {
        Self.titleStart.utf8CodeUnitCount + Self.headingStart.utf8CodeUnitCount + Self.end.utf8CodeUnitCount
            + 2 * (4 + reason.utf8CodeUnitCount)
    }

    func writeBody(_ out: inout ByteCursor) {
        out.put(Self.titleStart)
        out.put(decimal: Int(status))
        out.put(0x20)
        out.put(reason)
        out.put(Self.headingStart)
        out.put(decimal: Int(status))
        out.put(0x20)
        out.put(reason)
        out.put(Self.end)
    }
}
