import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of Services") struct ServiceValidationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var fields: [String: JSONValue?]
        var refusals: [String]

        init(_ name: String, _ fields: [String: JSONValue?], _ refusals: String...) {
            self.name = name
            self.fields = fields
            self.refusals = refusals
        }

        var testDescription: String { name }
    }

    static let label =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        + "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
        + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    static let address = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    static let range = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"

    static let cases: [Case] = [
        Case("no ports", ["ports": nil], "spec.ports: Required value"),
        Case("headless without ports", ["ports": nil, "clusterIP": "None"]),
        Case(
            "ports without names", ["ports": [["port": 80], ["port": 81]]], "spec.ports[0].name: Required value",
            "spec.ports[1].name: Required value"),
        Case(
            "a bad and a repeated name", ["ports": [["name": "A_", "port": 80], ["name": "A_", "port": 81]]],
            "spec.ports[0].name: Invalid value: \"A_\": \(label)",
            "spec.ports[1].name: Invalid value: \"A_\": \(label)",
            "spec.ports[1].name: Duplicate value: \"A_\""),
        Case(
            "several errors of one port", ["ports": [["port": 70000, "protocol": "ICMP", "targetPort": "a--b"]]],
            "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
            "spec.ports[0].protocol: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
            "spec.ports[0].targetPort: Invalid value: \"a--b\": must not contain consecutive hyphens"),
        Case(
            "a port name without letters", ["ports": [["port": 80, "targetPort": "12345678901234567"]]],
            "spec.ports[0].targetPort: Invalid value: \"12345678901234567\": must be no more than 15 characters",
            "spec.ports[0].targetPort: Invalid value: \"12345678901234567\": must contain at least one letter (a-z)"),
        Case(
            "the same port twice", ["ports": [["name": "a", "port": 80], ["name": "b", "port": 80]]],
            "spec.ports[1]: Duplicate value: {\"protocol\":\"TCP\",\"port\":80}"),
        Case(
            "the same port over two protocols",
            ["ports": [["name": "a", "port": 53], ["name": "b", "port": 53, "protocol": "UDP"]]]),
        Case(
            "the same node port twice",
            [
                "type": "NodePort",
                "ports": [
                    ["name": "a", "port": 80, "nodePort": 30100], ["name": "b", "port": 81, "nodePort": 30100],
                ],
            ], "spec.ports[1].nodePort: Duplicate value: 30100"),
        Case(
            "a node port of a ClusterIP Service", ["ports": [["port": 80, "nodePort": 30100]]],
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"),
        Case(
            "an unknown type", ["type": "Magic"],
            "spec.type: Unsupported value: \"Magic\": supported values: \"ClusterIP\", \"ExternalName\", "
                + "\"LoadBalancer\", \"NodePort\""),
        Case("no external name", ["type": "ExternalName"], "spec.externalName: Required value"),
        Case("an external name with a final dot", ["type": "ExternalName", "externalName": "example.com."]),
        Case(
            "addresses of an ExternalName Service",
            [
                "type": "ExternalName", "externalName": "example.com", "clusterIP": "None", "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack",
            ], "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
            "spec.ipFamilies: Forbidden: may not be set for ExternalName services",
            "spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services"),
        Case(
            "the kubelet's port", ["type": "LoadBalancer", "ports": [["port": 10250]]],
            "spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet"),
        Case(
            "an unknown affinity", ["sessionAffinity": "Cookie"],
            "spec.sessionAffinity: Unsupported value: \"Cookie\": supported values: \"ClientIP\", \"None\""),
        Case(
            "an affinity of two days",
            ["sessionAffinity": "ClientIP", "sessionAffinityConfig": ["clientIP": ["timeoutSeconds": 172_800]]],
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 172800: must be greater than 0 and "
                + "less than 86400"),
        Case(
            "bad external addresses", ["externalIPs": ["a", "127.0.0.1", "0.0.0.0", "169.254.1.1", "224.0.0.9"]],
            "spec.externalIPs[0]: Invalid value: \"a\": \(address)",
            "spec.externalIPs[1]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, "
                + "::1/128)",
            "spec.externalIPs[2]: Invalid value: \"0.0.0.0\": may not be unspecified (0.0.0.0)",
            "spec.externalIPs[3]: Invalid value: \"169.254.1.1\": may not be in the link-local range (169.254.0.0/16, "
                + "fe80::/10)",
            "spec.externalIPs[4]: Invalid value: \"224.0.0.9\": may not be in the link-local multicast range "
                + "(224.0.0.0/24, ff02::/10)"),
        Case(
            "source ranges", ["type": "LoadBalancer", "loadBalancerSourceRanges": [" 10.0.0.0/8 ", "10.0.0.1"]],
            "spec.LoadBalancerSourceRanges[1]: Invalid value: \"10.0.0.1\": \(range)"),
        Case(
            "load balancer fields elsewhere",
            [
                "loadBalancerSourceRanges": ["10.0.0.0/8"], "allocateLoadBalancerNodePorts": true,
                "loadBalancerClass": "example.com/lb", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30200,
            ], "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
            "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
            "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
            "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services",
            "spec.healthCheckNodePort: Invalid value: 30200: may only be set when `type` is 'LoadBalancer' and "
                + "`externalTrafficPolicy` is 'Local'"),
        Case(
            "unknown policies",
            [
                "type": "NodePort", "externalTrafficPolicy": "Near", "internalTrafficPolicy": "Far",
                "trafficDistribution": "PreferFar",
            ], "spec.externalTrafficPolicy: Unsupported value: \"Near\": supported values: \"Cluster\", \"Local\"",
            "spec.internalTrafficPolicy: Unsupported value: \"Far\": supported values: \"Cluster\", \"Local\"",
            "spec.trafficDistribution: Unsupported value: \"PreferFar\": supported values: \"PreferClose\", "
                + "\"PreferSameNode\", \"PreferSameZone\""),
        Case(
            "None among addresses", ["clusterIP": "None", "clusterIPs": ["None", "10.0.0.1"]],
            "spec.clusterIPs: Invalid value: [\"None\",\"10.0.0.1\"]: 'None' must be the first and only value"),
        Case(
            "a bad address", ["clusterIP": "10.0.0.256"],
            "spec.clusterIPs[0]: Invalid value: \"10.0.0.256\": \(address)"),
        Case(
            "an IPv4 address in IPv6 clothes", ["clusterIP": "::ffff:10.0.0.1"],
            "spec.clusterIPs[0]: Invalid value: \"::ffff:10.0.0.1\": must not be an IPv4-mapped IPv6 address"),
        Case(
            "addresses that differ", ["clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.2"]],
            "spec.clusterIPs: Invalid value: [\"10.0.0.2\"]: first value must match `clusterIP`"),
        Case(
            "addresses without the first", ["clusterIPs": ["10.0.0.2"]],
            "spec.clusterIPs: Invalid value: [\"10.0.0.2\"]: must be empty when `clusterIP` is not specified"),
        Case(
            "two addresses of one family", ["clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "10.0.0.2"]],
            "spec.clusterIPs: Invalid value: [\"10.0.0.1\",\"10.0.0.2\"]: may specify no more than one IP for each IP "
                + "family"),
        Case(
            "families", ["ipFamilies": ["IPv5", "IPv5"], "ipFamilyPolicy": "Maybe"],
            "spec.ipFamilies[0]: Unsupported value: \"IPv5\": supported values: \"IPv4\", \"IPv6\"",
            "spec.ipFamilies[1]: Unsupported value: \"IPv5\": supported values: \"IPv4\", \"IPv6\"",
            "spec.ipFamilies[1]: Duplicate value: \"IPv5\"",
            "spec.ipFamilyPolicy: Unsupported value: \"Maybe\": supported values: \"PreferDualStack\", "
                + "\"RequireDualStack\", \"SingleStack\""),
        Case(
            "a family the cluster lacks", ["ipFamilies": ["IPv6"]],
            "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster"),
        Case(
            "dual stack on a single-stack cluster", ["ipFamilyPolicy": "RequireDualStack"],
            "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack "
                + "services"),
        Case("preferred dual stack on a single-stack cluster", ["ipFamilyPolicy": "PreferDualStack"]),
        Case(
            "an address out of range", ["clusterIP": "10.1.2.3"],
            "spec.clusterIPs: Invalid value: [\"10.1.2.3\"]: failed to allocate IP 10.1.2.3: the provided "
                + "network does not match the current range"),
        Case(
            "a broadcast address", ["clusterIP": "10.0.0.255"],
            "spec.clusterIPs: Invalid value: [\"10.0.0.255\"]: failed to allocate IP 10.0.0.255: the provided IP "
                + "(10.0.0.255) is not in the valid range. The range of valid IPs is 10.0.0.0/24"),
        Case(
            "a node port out of range", ["type": "NodePort", "ports": [["port": 80, "nodePort": 80]]],
            "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid "
                + "ports is 30000-32767"),
        Case(
            "a bad selector", ["selector": ["app/a/b": "x y"]],
            "spec.selector: Invalid value: \"app/a/b\": a valid label key must consist of alphanumeric characters, '-', "
                + "'_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or "
                + "'my.name',  or "
                + "'123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an "
                + "optional "
                + "DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
            "spec.selector[app/a/b]: Invalid value: \"x y\": a valid label must be an empty string or consist of "
                + "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
                + "character (e.g. "
                + "'MyValue',  or 'my_value',  or '12345', regex used for validation is "
                + "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"),
    ]

    @Test(arguments: cases)
    func `a Service is refused with every reason, or taken`(_ example: Case) throws {
        let fixture = try ServiceFixture()
        let outcome = fixture.create(service("web", example.fields))
        #expect(outcome.refusals == example.refusals)
        if !example.refusals.isEmpty { #expect(fixture.allocations.free == ([254], 2768)) }
    }

    @Test func `a plain Service gets Kubernetes' defaults`() throws {
        let stored = try #require(try ServiceFixture().create(service()).document)
        var spec = try #require(stored["spec"]?.object)
        let address = try #require(spec["clusterIP"]?.string)
        #expect(spec["clusterIPs"] == [.string(address)])
        spec["clusterIP"] = nil
        spec["clusterIPs"] = nil
        #expect(
            spec == [
                "selector": ["app": "web"], "type": "ClusterIP", "sessionAffinity": "None",
                "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                "ports": [["port": 80, "protocol": "TCP", "targetPort": 80]],
            ])
        #expect(stored["status"] == ["loadBalancer": [:]])
    }

    @Test func `a LoadBalancer gets its policies, node ports and health check port`() throws {
        let stored = try #require(
            try ServiceFixture().create(
                service(
                    "web", ["type": "LoadBalancer", "externalTrafficPolicy": "Local", "sessionAffinity": "ClientIP"])
            ).document)
        let spec = stored["spec"]
        #expect(spec["allocateLoadBalancerNodePorts"] == true)
        #expect(spec["sessionAffinityConfig"] == ["clientIP": ["timeoutSeconds": 10_800]])
        let ports = [try #require(spec["ports"][0]["nodePort"].int), try #require(spec["healthCheckNodePort"].int)]
        #expect(Set(ports).count == 2 && ports.allSatisfy { (30086...32767).contains($0) })
    }

    @Test func `a LoadBalancer without node ports gets none`() throws {
        let stored = try #require(
            try ServiceFixture().create(
                service("web", ["type": "LoadBalancer", "allocateLoadBalancerNodePorts": false])
            ).document)
        #expect(stored["spec"]["ports"][0]["nodePort"] == nil)
    }

    @Test func `ports that differ in protocol only share a node port`() throws {
        let fixture = try ServiceFixture()
        let ports: JSONValue = [["name": "a", "port": 53], ["name": "b", "port": 53, "protocol": "UDP"]]
        let stored = try #require(fixture.create(service("dns", ["type": "NodePort", "ports": ports])).document)
        #expect(stored["spec"]["ports"][0]["nodePort"] == stored["spec"]["ports"][1]["nodePort"])
        #expect(fixture.allocations.free.nodePorts == 2767)
    }

    @Test func `a requested address and node port are taken once`() throws {
        let fixture = try ServiceFixture()
        let fields: [String: JSONValue?] = [
            "type": "NodePort", "clusterIP": "10.0.0.9", "ports": [["port": 80, "nodePort": 30001]],
        ]
        let stored = try #require(fixture.create(service("a", fields)).document)
        #expect(stored["spec"]["clusterIPs"] == ["10.0.0.9"])
        #expect(
            fixture.create(service("b", fields)).refusals == [
                "spec.clusterIPs: Invalid value: [\"10.0.0.9\"]: failed to allocate IP 10.0.0.9: provided IP is "
                    + "already "
                    + "allocated"
            ])
        var others = fields
        others["clusterIP"] = "10.0.0.10"
        #expect(
            fixture.create(service("b", others)).refusals
                == ["spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated"])
        #expect(fixture.allocations.free == ([253], 2767))
        fixture.fixture.strategy.release(stored)
        #expect(fixture.create(service("b", fields)).document != nil)
    }

    @Test(arguments: [
        ("SingleStack", ["IPv4"]), ("PreferDualStack", ["IPv4", "IPv6"]), ("RequireDualStack", ["IPv4", "IPv6"]),
    ])
    func `a dual-stack cluster gives the families that the policy asks for`(policy: String, families: [String]) throws {
        let fixture = try ServiceFixture(["10.0.0.0/24", "fd00::/120"])
        let stored = ServiceDocument(
            try #require(fixture.create(service("web", ["ipFamilyPolicy": .string(policy)])).document))
        #expect(stored.ipFamilies == families)
        #expect(stored.clusterIPs.count == families.count)
        #expect(stored.clusterIP.hasPrefix("10.0.0."))
        if families.count == 2 { #expect(stored.clusterIPs[1].hasPrefix("fd00::")) }
    }

    @Test func `a second family comes with the policy and goes with it`() throws {
        let fixture = try ServiceFixture(["10.0.0.0/24", "fd00::/120"])
        let one = try #require(fixture.create(service()).document)
        let two = try #require(
            fixture.update(service("web", ["ipFamilyPolicy": "RequireDualStack"]), from: one).document)
        #expect(two["spec"]["clusterIPs"].array?.count == 2)
        #expect(two["spec"]["clusterIP"] == one["spec"]["clusterIP"])
        #expect(fixture.allocations.free.addresses == [253, 254])

        let reduced = service("web", ["ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv4"]])
        #expect(
            fixture.update(reduced, from: two).refusals == [
                "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": must be 'SingleStack' to release the "
                    + "secondary "
                    + "IP family"
            ])
        var downgraded = two
        downgraded["spec"]["ipFamilyPolicy"] = "SingleStack"
        let three = try #require(fixture.update(downgraded, from: two).document)
        #expect(three["spec"]["clusterIPs"] == one["spec"]["clusterIPs"])
        #expect(three["spec"]["ipFamilies"] == ["IPv4"])
        #expect(fixture.allocations.free.addresses == [253, 255])
    }

    @Test func `a headless Service without selector may be dual-stack anywhere`() throws {
        let stored = try #require(
            try ServiceFixture().create(service("web", ["clusterIP": "None", "selector": nil])).document)
        #expect(stored["spec"]["ipFamilies"] == ["IPv4", "IPv6"])
        #expect(stored["spec"]["ipFamilyPolicy"] == "RequireDualStack")
    }

    @Test func `what is set once can't be changed`() throws {
        let fixture = try ServiceFixture()
        let old = try #require(
            fixture.create(service("web", ["type": "LoadBalancer", "loadBalancerClass": "example.com/a"])).document)
        let address = try #require(old["spec"]["clusterIP"].string)
        let other = address == "10.0.0.200" ? "10.0.0.201" : "10.0.0.200"
        var changed = old
        changed["spec"]["clusterIP"] = .string(other)
        changed["spec"]["loadBalancerClass"] = "example.com/b"
        #expect(
            fixture.update(changed, from: old).refusals == [
                "spec.clusterIPs[0]: Invalid value: [\"\(other)\"]: may not change once set",
                "spec.loadBalancerClass: Invalid value: \"example.com/b\": may not change once set",
            ])
        #expect(fixture.allocations.free == ([253], 2767))
    }

    @Test func `loopback backends are allowed where the cluster range is loopback`() throws {
        let here = try ServiceFixture(["127.96.0.0/16"])
        #expect(here.create(service("web", ["externalIPs": ["127.0.0.1"]])).document != nil)
    }

    @Test func `a status is checked and its addresses get a mode`() throws {
        let fixture = try ServiceFixture()
        let old = try #require(fixture.create(service("web", ["type": "LoadBalancer"])).document)
        var good = old
        good["status"] = ["loadBalancer": ["ingress": [["ip": "192.0.2.1"]]]]
        good["spec"]["type"] = "ClusterIP"
        let stored = try #require(fixture.fixture.updateStatus(good, from: old).document)
        #expect(stored["status"]["loadBalancer"]["ingress"] == [["ip": "192.0.2.1", "ipMode": "VIP"]])
        #expect(stored["spec"] == old["spec"])

        var bad = old
        bad["status"] = [
            "loadBalancer": [
                "ingress": [["ip": "x", "ipMode": "Odd"], ["hostname": "192.0.2.1", "ipMode": "VIP"]]
            ]
        ]
        #expect(
            fixture.fixture.updateStatus(bad, from: old).refusals == [
                "status.loadBalancer.ingress[0].ip: Invalid value: \"x\": \(Self.address)",
                "status.loadBalancer.ingress[0].ipMode: Unsupported value: \"Odd\": supported values: \"Proxy\", "
                    + "\"VIP\"",
                "status.loadBalancer.ingress[1].hostname: Invalid value: \"192.0.2.1\": must be a DNS name, not an IP "
                    + "address",
                "status.loadBalancer.ingress[1].ipMode: Forbidden: may not be specified when `ip` is not set",
            ])

        let plain = try #require(fixture.create(service("plain")).document)
        var odd = plain
        odd["status"] = ["loadBalancer": ["ingress": [["hostname": "a.example.com"]]]]
        #expect(
            fixture.fixture.updateStatus(odd, from: plain).refusals == [
                "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is \"LoadBalancer\""
            ])
    }
}
