import KubeModel
import Testing
import Transport

@testable import Controllers

@Suite("What becomes of a node's certificate request") struct NodeCertificatePolicyTests {
    private let policy = NodeCertificatePolicy(longestSeconds: 86400)
    private let now = Timestamp(secondsSinceEpoch: 1_000_000)

    private func object(
        user: String = "system:bootstrap:abcdef", groups: [String] = ["system:bootstrappers", "system:authenticated"],
        signer: String = NodeCertificatePolicy.signerName, usages: [String] = ["digital signature", "client auth"],
        age: Int64 = 0, conditions: [String] = [], certificate: String? = nil, seconds: Int? = nil
    ) -> CertificateSigningRequest {
        CertificateSigningRequest(
            metadata: ObjectMeta(name: "x", creationTimestamp: now.advanced(bySeconds: -age)),
            spec: CertificateSigningRequestSpec(
                signerName: signer, expirationSeconds: seconds, usages: usages, username: user, groups: groups),
            status: CertificateSigningRequestStatus(
                conditions: conditions.map {
                    CertificateSigningRequestCondition(type: $0, lastUpdateTime: now.advanced(bySeconds: -age))
                }, certificate: certificate))
    }

    private func request(
        _ name: String = "system:node:a", _ organizations: [String] = ["system:nodes"]
    ) throws -> Result<CertificateRequest, TransportError> {
        .success(
            try CertificateRequest(
                pem: try CertificateRequest.make(CertificateSubject(commonName: name, organizations: organizations))
                    .requestPEM))
    }

    private func decide(
        _ object: CertificateSigningRequest, _ request: Result<CertificateRequest, TransportError>,
        isAlive: Bool = false
    ) -> NodeCertificatePolicy.Decision {
        policy.decide(object, request, isNameAlive: isAlive, now: now)
    }

    private func isDenied(_ decision: NodeCertificatePolicy.Decision) -> Bool {
        if case .deny = decision { true } else { false }
    }

    @Test func `a bootstrap token gets a certificate for any node, a node for itself`() throws {
        guard case .approve = decide(object(), try request()) else { return #expect(Bool(false)) }
        let node = object(user: "system:node:a", groups: ["system:nodes"])
        guard case .approve = decide(node, try request()) else { return #expect(Bool(false)) }
        #expect(isDenied(decide(node, try request("system:node:b"))))
    }

    @Test func `nobody else is approved without a person's word`() throws {
        for (user, groups) in [
            ("bob", ["system:authenticated"]), ("system:bootstrap:abcdef", ["system:authenticated"]),
            ("system:node:a", ["system:authenticated"]), ("bob", ["system:bootstrappers"]),
        ] {
            #expect(decide(object(user: user, groups: groups), try request()) == .wait(.seconds(86400)))
        }
        #expect(decide(object(signer: "example.com/other"), try request()) == .wait(.seconds(86400)))
    }

    @Test func `a name that is alive is not given away, and yet renewed`() throws {
        guard case .deny("NodeNameInUse", _) = decide(object(), try request(), isAlive: true) else {
            return #expect(Bool(false))
        }
        let node = object(user: "system:node:a", groups: ["system:nodes"])
        guard case .approve = decide(node, try request(), isAlive: true) else { return #expect(Bool(false)) }
    }

    @Test(arguments: [
        ("system:node:a", ["system:masters"]), ("system:node:a", ["system:nodes", "system:masters"]),
        ("system:node:a", []), ("admin", ["system:nodes"]), ("system:node:", ["system:nodes"]),
        ("system:node:A/b", ["system:nodes"]),
    ])
    func `another subject is denied, and not signed where it was approved`(name: String, organizations: [String]) throws
    {
        #expect(isDenied(decide(object(), try request(name, organizations))))
        let approved = decide(
            object(user: "admin", groups: [], conditions: ["Approved"]), try request(name, organizations))
        guard case .fail = approved else { return #expect(Bool(false)) }
    }

    @Test(arguments: [["client auth"], ["digital signature", "client auth", "server auth"], ["any"], []])
    func `other usages are denied`(usages: [String]) throws {
        #expect(isDenied(decide(object(usages: usages), try request())))
    }

    @Test func `what cannot be read is denied`() {
        #expect(isDenied(decide(object(), .failure(TransportError(.certificate, "not PEM")))))
    }

    @Test func `an approved request is signed, for no longer than allowed`() throws {
        #expect(decide(object(conditions: ["Approved"]), try request()) == .sign(seconds: 86400))
        #expect(decide(object(conditions: ["Approved"], seconds: 600), try request()) == .sign(seconds: 600))
        #expect(decide(object(conditions: ["Approved"], seconds: 1_000_000), try request()) == .sign(seconds: 86400))
    }

    @Test func `decided requests are kept for an hour, undecided ones for a day`() throws {
        let issued = object(age: 3599, conditions: ["Approved"], certificate: "x")
        #expect(decide(issued, try request()) == .wait(.seconds(1)))
        #expect(decide(object(age: 3600, conditions: ["Approved"], certificate: "x"), try request()) == .delete)
        #expect(decide(object(age: 3600, conditions: ["Denied"]), try request()) == .delete)
        #expect(decide(object(user: "bob", age: 86400), try request()) == .delete)
    }
}
