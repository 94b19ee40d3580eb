import Testing

@testable import Transport

@Suite("What protocols a request offers") struct UpgradeOfferTests {
    private func offer(_ headers: HTTPHeaders, _ method: HTTPMethod = .get, _ version: HTTPRequest.Version = .http11)
        -> UpgradeOffer?
    {
        UpgradeOffer(HTTPRequest(method: method, target: "/", headers: headers, version: version))
    }

    @Test func `it takes both fields, HTTP 1 1 and an answer with a body`() {
        let both: HTTPHeaders = ["Connection": "keep-alive,  UPGRADE", "Upgrade": "SPDY/3.1"]
        #expect(offer(both)?.field == "SPDY/3.1")
        #expect(offer(both, .post) != nil)
        #expect(offer(both, .head) == nil)
        #expect(offer(both, .get, .http10) == nil && offer(both, .get, .http2) == nil)
        #expect(offer(["Connection": "Upgrade"]) == nil)
        #expect(offer(["Upgrade": "websocket"]) == nil)
        #expect(offer(["Connection": "x-upgrade", "Upgrade": "websocket"]) == nil)
        #expect(offer(["Connection": "upgrade", "Upgrade": " , "]) == nil)
    }

    @Test(arguments: [
        ("websocket", true), ("WebSocket", true), ("SPDY/3.1, websocket", true), ("websocket, other", false),
        ("spdy/3", false), ("", false),
    ])
    func `an answer goes over to nothing else`(chosen: String, isCovered: Bool) throws {
        var headers: HTTPHeaders = ["Connection": "Upgrade", "Upgrade": "websocket"]
        headers.add("Upgrade", "SPDY/3.1")
        let offered = try #require(offer(headers))
        #expect(offered.covers(["Upgrade": chosen]) == isCovered)
        #expect(!offered.covers([:]))
    }
}
