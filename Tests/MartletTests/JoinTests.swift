import KubeModel
import Testing
import Transport

@testable import martlet

@Suite("How a machine joins") struct JoinTests {
    @Test func `only pinned authorities are trusted`() throws {
        let one = try CertificateAuthority.create(commonName: "one").certificatePEM
        let two = try CertificateAuthority.create(commonName: "two").certificatePEM
        let details = try CertificateDetails.read(pem: one)[0]
        let pin = AuthorityPin(details)
        #expect(AuthorityPin(pin.description) == pin)
        let now = details.notBefore + 3600
        #expect(try ClusterDiscovery.pinned(two + one, [pin], now: now) == one)
        #expect(throws: CleanExitError.self) { try ClusterDiscovery.pinned(two, [pin], now: now) }
    }

    @Test(arguments: [
        "", "sha256:", "sha1:" + String(repeating: "a", count: 64), String(repeating: "a", count: 64),
        "sha256:" + String(repeating: "g", count: 64), "sha256:" + String(repeating: "a", count: 63),
    ])
    func `other texts are no hashes`(text: String) { #expect(AuthorityPin(text) == nil) }

    @Test func `a clock that is off is named`() throws {
        let details = try CertificateDetails.read(pem: CertificateAuthority.create(commonName: "x").certificatePEM)[0]
        let early = #expect(throws: CleanExitError.self) {
            try CertificateClock.check(details, "the server", now: details.notBefore - 1)
        }
        #expect(early?.description.contains("set the clock") == true)
        #expect(throws: CleanExitError.self) {
            try CertificateClock.check(details, "the server", now: details.notAfter)
        }
        try CertificateClock.check(details, "the server", now: details.notBefore)
    }

    @Test func `a certificate is renewed after 70 to 90 percent of its time`() throws {
        let details = try CertificateDetails.read(pem: CertificateAuthority.create(commonName: "x").certificatePEM)[0]
        let length = details.notAfter - details.notBefore
        let first = CertificateRenewal.moment(details, share: 0) - details.notBefore
        let last = CertificateRenewal.moment(details, share: 1) - details.notBefore
        #expect(abs(first - length * 7 / 10) <= 1)
        #expect(abs(last - length * 9 / 10) <= 1)
    }

    @Test(
        arguments: [
            ("24h", 86_400_000), ("1h30m", 5_400_000), ("40s", 40_000), ("500ms", 500), ("0", 0), ("1m0s", 60_000),
        ] as [(String, Int64)])
    func `spans of time`(text: String, milliseconds: Int64) throws {
        let span = try #require(TimeSpan(argument: text))
        #expect(span.milliseconds == milliseconds)
        #expect(TimeSpan(argument: span.description) == span)
    }

    @Test(arguments: ["", "1", "h", "-1h", "1d", "1h-1m", "1.5h", "9999999999999h", "999999999999h", "١s"])
    func `other texts are no spans`(text: String) { #expect(TimeSpan(argument: text) == nil) }

    @Test func `the table of tokens tells expired and unreadable ones`() throws {
        let now = Timestamp(secondsSinceEpoch: 100_000)
        func record(_ id: String, _ end: Int64?) throws -> Secret {
            let token = try #require(BootstrapToken(id: id, secret: "0123456789abcdef"))
            return BootstrapTokenRecord(token: token, expiration: end.map { Timestamp(secondsSinceEpoch: $0) }).secret
        }
        var broken = try record("cccccc", nil)
        broken.data?["expiration"] = Base64.encode(Array("never".utf8))
        let lines = TokenTable.lines(
            [try record("bbbbbb", 99_999), try record("aaaaaa", 103_600), broken, try record("dddddd", nil)], now: now)
        #expect(lines.count == 5)
        #expect(lines[1].contains("aaaaaa.0123456789abcdef") && lines[1].contains("1h"))
        #expect(lines[2].contains("<expired>"))
        #expect(lines[3].contains("<invalid>"))
        #expect(lines[4].contains("<forever>"))
    }
}
