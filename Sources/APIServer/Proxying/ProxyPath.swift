/// The path of a request to `proxy`, as it was sent, in two parts.
struct ProxyPath: Hashable, Sendable {
    /// Up to and with `proxy`.
    let prefix: String
    /// What is asked for behind it: empty, or beginning with a slash; still percent-encoded.
    let rest: String

    /// - Parameter steps: how many parts of the path, empty ones not counted, are this server's.
    init(_ path: String, steps: Int) {
        var left = steps
        var isInside = false
        var end = path.utf8.startIndex
        for index in path.utf8.indices {
            let isSlash = path.utf8[index] == UInt8(ascii: "/")
            if isInside, isSlash {
                isInside = false
                left -= 1
                if left == 0 { break }
            } else if !isSlash {
                isInside = true
            }
            end = path.utf8.index(after: index)
        }
        prefix = String(path[..<end])
        rest = String(path[end...])
    }
}
