import Transport

/// What comes in through a port: the input's first byte says in pieces of how many bytes the rest arrives (0: at once).
extension FuzzTarget {
    /// HTTP/1 requests, pipelined, in the clear.
    static func http1Server(_ input: [UInt8]) {
        StreamHarness.shared.plainServer.exchange(input)
    }

    /// HTTP/2 frames behind the preface, over TLS.
    static func http2Server(_ input: [UInt8]) {
        StreamHarness.shared.tlsServer.exchange(input, preface: Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8))
    }

    /// HTTP/1 responses to a GET.
    static func http1Client(_ input: [UInt8]) {
        StreamHarness.shared.client.exchange(input)
    }

    /// HTTP/1 responses to a request for another protocol, and what follows them.
    static func http1Tunnel(_ input: [UInt8]) {
        StreamHarness.shared.tunnel.exchange(input)
    }

    /// HTTP/2 frames of a server that was sent a POST in the clear, as a gRPC probe does.
    static func http2Client(_ input: [UInt8]) {
        StreamHarness.shared.caller.exchange(input)
    }

    /// Nothing that is read may carry what would begin another field or message when it is written again.
    static func checkFields(_ headers: HTTPHeaders) {
        for field in headers {
            check(!field.name.isEmpty, "a field without a name")
            for byte in (field.name + field.value).utf8 {
                check(byte != 0x0D && byte != 0x0A && byte != 0, "a field with a byte \(byte): \(field)")
            }
            check(!field.name.utf8.contains { $0 <= 0x20 || $0 == 0x3A }, "a field's name is \(field.name)")
        }
    }
}

extension FuzzTarget {
    /// A datagram to the supervisor's socket, which every process of this machine may send.
    static func notification(_ input: [UInt8]) {
        guard let message = NotificationSocket.parse(String(decoding: input, as: UTF8.self), from: 1) else { return }
        check(!(message.status ?? "").contains("\n"), "a status of several lines")
    }
}
