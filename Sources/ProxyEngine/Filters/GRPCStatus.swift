/// What a gRPC client is told where an HTTP client gets an error page: a response without content whose fields have the
/// call's status ("Trailers-Only", gRPC over HTTP/2).
enum GRPCStatus {
    /// The code for a status, by gRPC's "HTTP to gRPC Status Code Mapping"; where that says UNKNOWN or the proxy knows
    /// better, what the proxy means: a deadline of its own (504), a message that is too large (413).
    static func code(of status: Int32) -> Int {
        switch status {
        case 400, 431: 13
        case 401: 16
        case 403: 7
        case 404: 12
        case 408, 504: 4
        case 413: 8
        case 429, 502, 503: 14
        default: 2
        }
    }
}
