internal import ProxyEngine

extension FuzzTarget {
    /// The L7 engine as a stream: requests and answers in whatever pieces, over real sockets.
    static func proxy(_ input: [UInt8]) { stage.play(input) }

    /// The same with a client that speaks HTTP/2: an input's first part is the frames behind the preface.
    static func http2(_ input: [UInt8]) { stage.play(ProxyStage.preface + input) }

    /// The upstream speaks HTTP/2: an input is the frames that it sends, GS, those of its next connection and so on.
    static func http2Upstream(_ input: [UInt8]) {
        let requests =
            "POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nt: x\r\n\r\n"
            + "GET / HTTP/1.1\r\nHost: m\r\n\r\n\u{1D}"
        stage.play(Array(requests.utf8) + input)
    }

    /// The first bytes of TLS: what is read of them is what is read when more has come.
    static func clientHello(_ input: [UInt8]) {
        func parse(_ count: Int) -> ClientHello.Parsed {
            input.withUnsafeBufferPointer { ClientHello.parse(UnsafeBufferPointer(rebasing: $0[..<count])) }
        }
        let whole = parse(input.count)
        for count in [input.count / 2, max(0, input.count - 1)] {
            let part = parse(count)
            check(part == .incomplete || part == whole, "\(part) of \(count) bytes, then \(whole)")
        }
    }

    /// Inputs come on one thread.
    nonisolated(unsafe) private static let stage = ProxyStage()
}
