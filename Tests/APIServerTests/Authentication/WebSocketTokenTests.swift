import KubeModel
import Testing
import Transport

@testable import APIServer

@Suite("Tokens that come with a WebSocket") struct WebSocketTokenTests {
    private static let prefix = "base64url.bearer.authorization.k8s.io."

    private func take(_ values: String...) -> (token: String?, left: String?) {
        var headers: HTTPHeaders = [:]
        for value in values { headers.add("sec-websocket-protocol", value) }
        let token = WebSocketToken.take(from: &headers)
        return (token, headers["Sec-WebSocket-Protocol"])
    }

    @Test func `a token is taken out, and the other protocols stay`() {
        let encoded = Self.prefix + Base64URL.encode(Array("secret".utf8))
        for values in [["a, \(encoded), b"], [encoded, "a,b"], ["a", "b", encoded]] {
            var headers: HTTPHeaders = [:]
            for value in values { headers.add("Sec-WebSocket-Protocol", value) }
            #expect(WebSocketToken.take(from: &headers) == "secret")
            #expect(headers.values("Sec-WebSocket-Protocol") == ["a, b"])
        }
        #expect(take("a, b") == (nil, "a, b"))
    }

    @Test func `one that is malformed, repeated or alone is nobody's`() {
        let encoded = Self.prefix + Base64URL.encode(Array("secret".utf8))
        #expect(take(encoded) == ("", nil))
        #expect(take("\(encoded), \(encoded), a") == ("", "a"))
        #expect(take("\(encoded)=, a") == ("", "a"))
        #expect(take(Self.prefix + "c+/, a") == ("", "a"))
        // 0xFF is no UTF-8.
        #expect(take(Self.prefix + "_w, a") == ("", "a"))
        #expect(take(Self.prefix + ", a") == ("", "a"))
    }
}
