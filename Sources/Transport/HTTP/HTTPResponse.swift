/// A complete response. `Content-Length` and `Date` are added by the server; framing headers set here are ignored.
package struct HTTPResponse: Sendable {
    /// 200…999; 204 and 304 never have a body.
    package var status: Int
    package var headers: HTTPHeaders
    /// Sent one after the other without being joined first, so that stored bytes can be shared.
    package var body: [[UInt8]]
    /// Compress the body by gzip while it is sent, and say so in `Content-Encoding`; the length is then unknown. The
    /// client must have asked for it. Ignored over HTTP/1.0.
    package var isCompressed = false
    /// Called once when the connection has taken the last byte, or never will: then the body's memory is free. On the loop,
    /// or where the answer was given.
    package var onSent: (@Sendable () -> Void)?

    package init(status: Int, headers: HTTPHeaders = [:], body: [[UInt8]]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package init(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.init(status: status, headers: headers, body: body.isEmpty ? [] : [body])
    }

    /// A response with `text/plain; charset=utf-8`.
    package init(status: Int, headers: HTTPHeaders = [:], text: String) {
        var headers = headers
        headers["Content-Type"] = "text/plain; charset=utf-8"
        self.init(status: status, headers: headers, body: [Array(text.utf8)])
    }

    var bodyLength: Int { body.reduce(0) { $0 + $1.count } }

    /// The phrase that IANA registers for a status (and nginx' for 499); empty for an unknown one.
    package static func reasonPhrase(_ status: Int) -> String {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 102: "Processing"
        case 103: "Early Hints"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 203: "Non-Authoritative Information"
        case 204: "No Content"
        case 205: "Reset Content"
        case 206: "Partial Content"
        case 207: "Multi-Status"
        case 208: "Already Reported"
        case 226: "IM Used"
        case 300: "Multiple Choices"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 305: "Use Proxy"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 407: "Proxy Authentication Required"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 423: "Locked"
        case 424: "Failed Dependency"
        case 425: "Too Early"
        case 426: "Upgrade Required"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 451: "Unavailable For Legal Reasons"
        case 499: "Client Closed Request"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 506: "Variant Also Negotiates"
        case 507: "Insufficient Storage"
        case 508: "Loop Detected"
        case 511: "Network Authentication Required"
        default: ""
        }
    }
}
