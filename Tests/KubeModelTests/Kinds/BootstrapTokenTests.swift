import KubeModel
import Testing

@Suite("Bootstrap tokens and the Secrets that keep them") struct BootstrapTokenTests {
    private let token = BootstrapToken("abcdef.0123456789abcdef")!

    @Test func `a token is read back from its text`() {
        #expect(token.id == "abcdef")
        #expect(token.secret == "0123456789abcdef")
        #expect(BootstrapToken(token.text) == token)
        #expect(BootstrapToken(BootstrapToken.random().text) != nil)
    }

    @Test(arguments: [
        "", "abcdef", "abcdef.", "abcdef.0123456789abcde", "abcdef.0123456789abcdef0", "ABCDEF.0123456789abcdef",
        "abcde.0123456789abcdef", "abcdef.0123456789abcdeF", "abcdef.0123456789abcdef.", "abcdéf.0123456789abcdef",
    ])
    func `other texts are no tokens`(text: String) { #expect(BootstrapToken(text) == nil) }

    @Test func `a secret is compared as a whole`() {
        #expect(token.hasSecret(Array("0123456789abcdef".utf8)))
        #expect(!token.hasSecret(Array("0123456789abcdeg".utf8)))
        #expect(!token.hasSecret(Array("0123456789abcde".utf8)))
        #expect(!token.hasSecret([]))
    }

    @Test func `a record goes into a Secret and comes back`() throws {
        let record = BootstrapTokenRecord(
            token: token, description: "for edge", expiration: Timestamp(secondsSinceEpoch: 1_000),
            extraGroups: ["system:bootstrappers:edge"])
        let secret = record.secret
        #expect(secret.metadata.name == "bootstrap-token-abcdef")
        #expect(secret.metadata.namespace == "kube-system")
        #expect(try BootstrapTokenRecord(secret) == record)
        #expect(!record.isExpired(at: Timestamp(secondsSinceEpoch: 999)))
        #expect(record.isExpired(at: Timestamp(secondsSinceEpoch: 1_000)))
    }

    @Test(arguments: [
        ("expiration", "tomorrow"), ("token-id", "ABC"), ("token-secret", "short"), ("token-id", "aaaaaa"),
        ("auth-extra-groups", "system:masters"), ("auth-extra-groups", "system:bootstrappers:"),
    ])
    func `a Secret that is not understood is no token`(key: String, value: String) {
        var secret = BootstrapTokenRecord(token: token).secret
        secret.data?[key] = Base64.encode(Array(value.utf8))
        #expect(throws: BootstrapTokenRecord.Malformed.self) { try BootstrapTokenRecord(secret) }
    }

    @Test func `a Secret of another type is no token`() {
        var secret = BootstrapTokenRecord(token: token).secret
        secret.type = "Opaque"
        #expect(throws: BootstrapTokenRecord.Malformed.self) { try BootstrapTokenRecord(secret) }
    }

    @Test(arguments: ["shop.service", "a@b.service", "x-1.socket", "all.target"])
    func `names of units`(name: String) { #expect(PodUnit.isName(name)) }

    @Test(arguments: ["", "shop", ".service", "shop.device", "a b.service", "../x.service", "shop.service\n"])
    func `what is no name of a unit`(name: String) { #expect(!PodUnit.isName(name)) }
}
