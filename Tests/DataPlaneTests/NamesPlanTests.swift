import DNS
import KubeClient
import KubeModel
import NetworkTypes
import Testing

@testable import DataPlane

@Suite("What a Corefile means") struct NamesPlanTests {
    private static let resolver = server("192.0.2.53")

    private static func server(_ text: String, _ port: UInt16 = 53) -> SocketAddress {
        SocketAddress(ip: IPAddress(text) ?? .loopbackV4, port: Port(port))
    }

    private static func name(_ text: String) -> DomainName { ClusterNamesTests.name(text) }

    private func configuration(upstreams: [SocketAddress] = []) -> NamesConfiguration {
        NamesConfiguration(addresses: [], upstreams: upstreams, domain: Self.name("cluster.local"))
    }

    private func plan(
        _ text: String, upstreams: [SocketAddress] = [], files: [String: String] = [:],
        nodes: [HostTable.Entry] = []
    ) throws -> NamesPlan {
        NamesPlan(
            configuration(upstreams: upstreams), try Corefile(text, files: files),
            .init(
                resolvers: [Self.resolver], addresses: [Self.server("127.0.0.1")], files: files, nodes: nodes))
    }

    private func said(_ plan: NamesPlan) -> [String] { plan.findings.map { "\($0.place): \($0.message)" } }

    static let usual = """
        .:53 {
            errors
            health {
               lameduck 5s
            }
            ready
            kubernetes cluster.local in-addr.arpa ip6.arpa {
               pods insecure
               fallthrough in-addr.arpa ip6.arpa
               ttl 30
            }
            prometheus :9153
            forward . /etc/resolv.conf {
               max_concurrent 1000
            }
            cache 30 {
               disable success cluster.local
               disable denial cluster.local
            }
            loop
            reload
            loadbalance
        }
        """

    @Test func `kubeadm's Corefile is understood whole`() throws {
        let plan = try plan(Self.usual)
        #expect(said(plan) == [])
        #expect(plan.cluster.domain == Self.name("cluster.local"))
        #expect(plan.cluster.ttl == 30 && plan.cluster.namesAddresses)
        #expect(plan.cluster.fallingThrough == [.v4Reverse, .v6Reverse])
        #expect(plan.policy.forwardedZones == [ForwardedZone(servers: [Self.resolver])])
        #expect(plan.policy.cache.positiveTTL == 30 && plan.policy.cache.bytes > 0 && plan.policy.rotates)
        #expect(plan.policy.blocks.isEmpty)
    }

    /// The zones of the blocks that answer from the cluster's names.
    private func answering(_ plan: NamesPlan) -> [String] {
        plan.policy.blocks.filter(\.answersFromZones).map { "\($0.zone)" }
            + (plan.policy.answersFromZones ? ["none"] : [])
    }

    @Test func `names of the cluster are answered by the blocks with the plugin kubernetes alone`() throws {
        #expect(try answering(plan(Self.usual)) == ["none"])
        let without = try plan(". {\n forward . 10.0.0.1\n}")
        #expect(answering(without) == [] && !without.policy.answersFromAnyZone && said(without) == [])
        // Of the block's own zone.
        let own = try plan("corp.example 10.0.0.0/8 {\n kubernetes\n}\n. {\n forward . 10.0.0.1\n}")
        #expect(answering(own) == ["corp.example.", "10.in-addr.arpa."] && said(own) == [])
        #expect(own.cluster.domain == Self.name("corp.example"))
        #expect(own.cluster.reverseZones == [Self.name("10.in-addr.arpa")])
        // A more specific block without it is asked about its names instead.
        let shadowed = try plan(". {\n kubernetes cluster.local\n}\nsvc.cluster.local {\n forward . 10.0.0.1\n}")
        #expect(answering(shadowed) == ["."])
        // There is no block for anything else.
        let narrow = try plan("cluster.local {\n kubernetes\n}")
        #expect(answering(narrow) == ["cluster.local."] && narrow.policy.blocks.count == 1)
    }

    @Test func `kubernetes in a further block has the names of the first, or closes the block`() throws {
        let both = try plan(
            "cluster.local {\n kubernetes\n}\nin-addr.arpa {\n kubernetes cluster.local in-addr.arpa\n}")
        #expect(answering(both) == ["cluster.local.", "in-addr.arpa."])
        #expect(said(both) == ["line 5: kubernetes: its zones and options are those of the one in line 2"])
        let guarded = try plan(
            "a.local {\n kubernetes a.local\n}\nb.a.local {\n kubernetes a.local {\n namespaces x\n }\n}")
        #expect(answering(guarded) == ["a.local."] && guarded.findings.map(\.isClosing) == [true])
        #expect(guarded.policy.blocks.last?.access == [.closing([Self.name("b.a.local")])])
        let stray = try plan("a.local {\n kubernetes b.local\n}")
        #expect(
            said(stray) == [
                "line 2: kubernetes: names in b.local. are not asked of this block, so they are not answered"
            ])
    }

    @Test func `what does its work is told by block and name`() throws {
        func names(_ plan: NamesPlan) -> [String] { plan.enabled.map { "\($0.zone) \($0.name)" }.sorted() }
        #expect(
            try names(plan(Self.usual)) == [
                ". cache", ". errors", ". forward", ". kubernetes", ". loadbalance", ". loop", ". prometheus",
            ])
        let part = try plan(
            """
            . {
                whoami
                hosts {
                    10.0.0.1 a
                }
                forward . 127.0.0.1
                log
                rewrite name a b
                rewrite nonsense
            }
            stub {
                acl {
                    block
                }
                forward . 10.0.0.1
                bufsize 9
            }
            closed {
                opa
            }
            """)
        #expect(names(part) == [". hosts", ". log", ". rewrite", "stub. acl", "stub. forward"])
        let plain = NamesPlan(configuration(upstreams: [Self.resolver]), .init())
        #expect(names(plain) == [". cache", ". forward", ". kubernetes", ". loadbalance"])
    }

    @Test func `what is not in it is not done`() throws {
        let plan = try plan(". {\n whoami\n}")
        #expect(plan.policy.forwardedZones.isEmpty && plan.policy.cache.bytes == 0 && !plan.policy.rotates)
        #expect(said(plan) == ["line 2: there is no plugin whoami here"] && plan.findings.allSatisfy { !$0.isClosing })
    }

    @Test func `upstream servers of the command line go before those for everything`() throws {
        let own = Self.server("198.51.100.1")
        let plan = try plan(
            ". {\n forward . /etc/resolv.conf\n}\nstub {\n forward . 10.0.0.1 10.0.0.2:5300\n}", upstreams: [own])
        #expect(
            plan.policy.forwardedZones == [
                ForwardedZone(
                    name: Self.name("stub"), servers: [Self.server("10.0.0.1"), Self.server("10.0.0.2", 5300)]),
                ForwardedZone(servers: [own]),
            ])
        #expect(
            said(plan) == ["line 2: forward: on a machine with --dns-upstream that says who is asked, not this line"])
    }

    @Test func `servers over HTTPS are asked by their address, with the options of TLS`() throws {
        let plan = try plan(
            """
            . {
                forward . https://192.0.2.1/dns-query tls://192.0.2.2 {
                    tls_servername dns.example
                }
                forward other https://dns.example/dns-query 192.0.2.3
            }
            """)
        let zone = try #require(plan.policy.forwardedZones.first)
        #expect(zone.texts == ["https://192.0.2.1:443/dns-query#dns.example", "tls://192.0.2.2:853#dns.example"])
        #expect(
            said(plan) == ["line 5: forward: https://dns.example/dns-query is no server: it needs an address"])
    }

    @Test func `forward takes policies, exceptions, TCP, failures and TLS`() throws {
        let plan = try plan(
            """
            . {
                forward . tls://192.0.2.1 192.0.2.2 {
                    policy sequential
                    except a.example b.example
                    force_tcp
                    max_fails 0
                    tls /etc/coredns/ca.crt
                    tls_servername dns.example
                    prefer_udp
                }
            }
            """, files: ["/etc/coredns/ca.crt": "PEM"])
        let zone = try #require(plan.policy.forwardedZones.first)
        #expect(zone.servers == [Self.server("192.0.2.1", 853), Self.server("192.0.2.2")])
        #expect(
            zone.secured == [
                Self.server("192.0.2.1", 853): SecuredServer(name: "dns.example", authoritiesPEM: Array("PEM".utf8))
            ])
        #expect(zone.policy == .sequential && zone.forcesTCP && zone.maximumFailures == 0)
        #expect(zone.exceptions == [Self.name("a.example"), Self.name("b.example")])
        #expect(said(plan) == [])
    }

    @Test func `a block that forwards nothing does not let a wider one`() throws {
        let plan = try plan(". {\n forward . 10.0.0.1\n}\ninner.example {\n errors\n}")
        #expect(plan.policy.forwardedZones.map(\.isClosed) == [false, true])
    }

    @Test func `networks stand for their reverse zones`() throws {
        let plan = try plan("10.0.0.0/8 2001:db8::/32 {\n forward . 10.0.0.1\n}")
        #expect(
            plan.policy.forwardedZones.map(\.name.description) == ["10.in-addr.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa."])
    }

    @Test func `hosts come from the block, from a key of the ConfigMap, and from Nodes`() throws {
        let text = ". {\n hosts /etc/coredns/NodeHosts {\n 192.0.2.7 seven.example\n ttl 60\n fallthrough\n }\n}"
        let node = HostTable.Entry(ip: .loopbackV4, names: [Self.name("vm1")])
        let listed = try plan(
            text, files: ["/etc/coredns/NodeHosts": "192.0.2.9 nine # its\n\n# none\nx y"], nodes: [node])
        let table = try #require(listed.policy.blocks.first?.hosts.first)
        #expect(table.count == 2 && table.ttl == 60 && table.fallsThrough)
        #expect(try #require(plan(text, nodes: [node, node]).policy.blocks.first?.hosts.first).count == 3)
        #expect(said(try plan(". {\n hosts /etc/hosts\n}")).count == 1)
    }

    @Test func `a Node's names lead to its addresses`() {
        let node = Node(
            metadata: ObjectMeta(name: "vm1"), spec: NodeSpec(),
            status: NodeStatus(addresses: [
                NodeAddress(type: "InternalIP", address: "10.0.0.1"),
                NodeAddress(type: "ExternalIP", address: "192.0.2.1"),
                NodeAddress(type: "Hostname", address: "vm1.example"),
            ]))
        #expect(
            NodeHosts.entries([KeptNode(node)]) == [
                HostTable.Entry(
                    ip: IPAddress(v4: 0x0a00_0001), names: [Self.name("vm1"), Self.name("vm1.example")])
            ])
    }

    @Test func `a Node is news where its names or addresses are others`() {
        func node(_ address: String, revision: String) -> KeptNode {
            var metadata = ObjectMeta(name: "vm1")
            metadata.resourceVersion = revision
            return KeptNode(
                Node(
                    metadata: metadata, spec: NodeSpec(),
                    status: NodeStatus(addresses: [NodeAddress(type: "InternalIP", address: address)])))
        }
        let old = node("10.0.0.1", revision: "1")
        #expect(!NodeHosts.isNews(.updated(old: old, new: node("10.0.0.1", revision: "2"))))
        #expect(NodeHosts.isNews(.updated(old: old, new: node("10.0.0.2", revision: "2"))))
        #expect(NodeHosts.isNews(.added(old)) && NodeHosts.isNews(.deleted(old)))
    }

    @Test(arguments: [
        ("name a.example b.example", QuestionRewrite.Match.exact(name("a.example"), to: name("b.example"))),
        ("name exact a.example b.example", .exact(name("a.example"), to: name("b.example"))),
        ("stop name suffix .A .b", .suffix(".a.", to: ".b.")), ("name prefix x- y-", .prefix("x-", to: "y-")),
        ("name substring a b", .substring("a", to: "b")), ("type ANY HINFO", .type(.any, to: .hinfo)),
        ("name suffix .a .b answer auto", .suffix(".a.", to: ".b.")),
    ])
    func `rules of rewriting are read`(text: String, match: QuestionRewrite.Match) throws {
        let plan = try plan(". {\n rewrite \(text)\n}")
        #expect(said(plan) == [])
        #expect(plan.policy.blocks.first?.rewrites == [QuestionRewrite(match)])
    }

    @Test func `a rule in a block has rules for its answers`() throws {
        let plan = try plan(
            #"""
            . {
                rewrite continue {
                    name regex (.*)\.my\.zone {1}.default.svc.cluster.local
                    answer name (.*)\.default\.svc\.cluster\.local {1}.my.zone
                    answer value (.*)\.cluster\.local {1}.zone
                }
            }
            """#)
        #expect(said(plan) == [])
        let rule = try #require(plan.policy.blocks.first?.rewrites.first)
        #expect(rule.continues && rule.answerRules.count == 2)
        #expect(rule.match == .pattern(try NamePattern(#"(.*)\.my\.zone"#), to: "{1}.default.svc.cluster.local"))
    }

    @Test func `log has names and classes`() throws {
        let plan = try plan(". {\n log a.example {\n class denial error\n }\n}")
        #expect(
            plan.policy.blocks.first?.log
                == QueryLogFilter(zones: [Self.name("a.example")], classes: [.denial, .error]))
    }

    @Test(arguments: [
        "forward .", "forward . nowhere", "forward . 10.0.0.1 {\n policy best\n }", "cache x..y",
        "cache 30 {\n success x\n }",
        "hosts {\n nonsense\n }", "hosts {\n ttl 0\n }", "rewrite name regex ( x", "rewrite name a", "rewrite",
        "kubernetes", "kubernetes cluster.local {\n ttl 9999\n }", "kubernetes cluster.local {\n pods all\n }",
        "log {\n class strange\n }", "bufsize 1", "log x..y", "hosts x..y", "hosts {\n 10.0.0.1 x..y\n }",
        "forward . 10.0.0.1\n forward . 10.0.0.2", "forward . {$SERVER}", "hosts {\n {$IP} a.example\n }",
        "hosts {\n 10.0.0.1 {$NAME}\n }", "rewrite name {$A} b.example", "cache {%TTL%}", "x {$Y}",
        "kubernetes c.local {\n fallthrough x..y\n }", "kubernetes x..y c.local",
    ])
    func `a line that cannot be meant names itself, and the others hold`(line: String) throws {
        let plan = try plan(
            ". {\n hosts good.example {\n 192.0.2.7 good.example\n }\n \(line)\n rewrite name a.example b.example\n}")
        #expect(!plan.findings.isEmpty, "\(line)")
        #expect(plan.findings.allSatisfy { (5...8).contains($0.place.line) && !$0.isClosing }, "\(line): \(said(plan))")
        #expect(plan.policy.blocks.first?.hosts.first?.count == 1)
        #expect(plan.policy.blocks.first?.rewrites.count == 1)
    }

    @Test func `good lines of hosts hold beside bad ones, each of which is told about with its file`() throws {
        let path = "/etc/coredns/NodeHosts"
        let text = "\u{FEFF}192.0.2.9 nine\r\nnonsense\n10.0.0.1\n192.0.2.8 x..y eight # its\n"
        let plan = try plan(". {\n hosts \(path) {\n 192.0.2.7 seven\n 300.1.1.1 none\n }\n}", files: [path: text])
        #expect(plan.policy.blocks.first?.hosts.first?.count == 3)
        #expect(
            said(plan) == [
                "\(path), line 2: hosts: nonsense is no address with names",
                "\(path), line 3: hosts: 10.0.0.1 is no address with names",
                "\(path), line 4: hosts: x..y is no name", "line 4: hosts: 300.1.1.1 none is no address with names",
            ])
    }

    // MARK: Guards

    @Test func `an acl is read as CoreDNS reads it`() throws {
        let plan = try plan(
            """
            . {
                acl {
                    allow type A AAAA net 10.0.0.0/8 2001:db8::/32
                    filter type ANY net *
                    drop net 10.1.2.3
                    block
                }
                acl a.example 10.0.0.0/8 {
                    block type * net 192.0.2.0/24
                }
            }
            """)
        #expect(said(plan) == [])
        let networks = ["10.0.0.0/8", "2001:db8::/32"].compactMap { CIDR($0) }
        #expect(
            plan.policy.blocks.first?.access == [
                AccessList(
                    zones: [.root],
                    rules: [
                        .init(.allow, types: [.a, .aaaa], networks: networks), .init(.filter, types: [.any]),
                        .init(.drop, networks: ["10.1.2.3/32"].compactMap { CIDR($0) }), .init(.block),
                    ]),
                AccessList(
                    zones: [Self.name("a.example"), Self.name("10.in-addr.arpa")],
                    rules: [.init(.block, networks: ["192.0.2.0/24"].compactMap { CIDR($0) })]),
            ])
    }

    @Test(arguments: [
        ("forbid net 10.0.0.0/8", AccessList.Rule(.block)), ("block net somewhere", .init(.block)),
        ("drop type STRANGE net 10.0.0.0/8", .init(.drop)), ("filter net", .init(.filter)),
        ("block 10.0.0.0/8", .init(.block)),
        ("block net {$NETWORK}", .init(.block)), ("allow net somewhere", nil), ("allow type {$X} net *", nil),
    ])
    func `a rule that is not understood lets nobody in`(line: String, rule: AccessList.Rule?) throws {
        let plan = try plan(". {\n acl {\n \(line)\n }\n}")
        #expect(plan.findings.map(\.place.line) == [3] && plan.findings.allSatisfy(\.isClosing))
        #expect(plan.policy.blocks.first?.access.map(\.rules) == [rule.map { [$0] } ?? []])
    }

    @Test(arguments: [
        "acl x..y {\n block\n }", "firewall query {\n allow\n }", "tsig {\n require all\n }",
        "view v {\n expr true\n }",
    ])
    func `where who may ask is not understood nobody may`(lines: String) throws {
        let plan = try plan(". {\n forward . 10.0.0.1\n \(lines)\n}")
        #expect(plan.findings.map(\.isClosing) == [true], "\(said(plan))")
        #expect(plan.policy.blocks.first?.access == [.closing([.root])])
    }

    @Test func `guards of a second block of a zone hold, and a block for everybody stands in for one with a view`()
        throws
    {
        let second = try plan(". {\n errors\n}\n. {\n hosts {\n 1.2.3.4 a\n }\n acl {\n block\n }\n}")
        #expect(second.policy.blocks.map(\.access) == [[.closing([.root])]] && second.policy.blocks[0].hosts.isEmpty)
        let viewed = try plan("a {\n view v {\n expr true\n }\n}\na {\n forward . 10.0.0.1\n}")
        #expect(
            viewed.policy.blocks.map(\.access.isEmpty) == [true]
                && viewed.policy.forwardedZones.map(\.isClosed) == [false])
        #expect(viewed.findings.map(\.isClosing) == [false])
    }

    @Test(arguments: ["labels a=b", "namespace_labels a=b", "labels {$X}"])
    func `a choice of Services that is not understood is none`(option: String) throws {
        let plan = try plan(". {\n kubernetes c.local {\n \(option)\n }\n}")
        #expect(plan.findings.map(\.isClosing) == [true] && plan.cluster.namespaces == [])
        #expect(plan.policy.blocks.first?.access == [.closing([Self.name("c.local")])])
    }

    @Test(arguments: [
        "tls /etc/coredns/none", "tls a b c", "tls {$CA}", "tls_servername", "tls_servername {$NAME}",
        "tls_servername x..y",
    ])
    func `servers over TLS whose proof is not understood are not asked`(option: String) throws {
        let plan = try plan(". {\n forward . tls://10.0.0.1 10.0.0.2 {\n \(option)\n }\n}")
        #expect(plan.findings.map(\.isClosing) == [true])
        #expect(plan.policy.forwardedZones.map(\.servers) == [[Self.server("10.0.0.2")]])
    }

    @Test func `an exception that each node would read as another one closes the zone`() throws {
        let plan = try plan(". {\n forward . 10.0.0.2 {\n except {$INNER}\n }\n}")
        #expect(plan.findings.map(\.isClosing) == [true] && plan.policy.forwardedZones.map(\.isClosed) == [true])
    }

    @Test func `a text with guards that is no Corefile closes everything, one without does not`() throws {
        #expect(NamesPlan.mentionsGuard(". {\n  acl {\n block\n }\n") && !NamesPlan.mentionsGuard(". {\n # acl\n"))
        var plan = NamesPlan(configuration(upstreams: [Self.resolver]), .init())
        plan.closeEverything()
        #expect(plan.policy.blocks.map(\.access) == [[.closing([.root])]] && plan.policy.forwardedZones.isEmpty)
    }

    @Test(arguments: [
        "template IN A", "autopath @kubernetes", "chaos", "kubernetes cluster.local {\n noendpoints\n }",
        "kubernetes cluster.local {\n pods verified\n }", "forward . /other/file 10.0.0.1", "loadbalance weighted f",
        "rewrite ttl a 5", "rewrite class CH IN", "hosts /etc/hosts", "log . \"{remote}\"", "dns64",
        "forward . grpc://x 10.0.0.1", "forward . 10.0.0.1 {\n max_concurrent 10\n }",
        "forward . 10.0.0.1 {\n failover NXDOMAIN\n }", "forward . 10.0.0.1 {\n health_check 5s no_rec\n }",
        "forward . 10.0.0.1 {\n expire 20s\n }", "cache {\n keepttl\n }", "cache {\n servfail 30s\n }",
        "cache {\n disable denial\n }", "cache {\n disable success other.example\n }", "cache 30 a.example",
        "prometheus 127.0.0.1:9100", "health :8081", "health {\n lameduck 60s\n }", "ready :8182",
        "errors {\n consolidate 5m \".*\"\n }", "errors stdout", "minimal", "multisocket 3",
    ])
    func `a line that is not done here is told about, and the others hold`(line: String) throws {
        let plan = try plan(". {\n errors\n \(line)\n}")
        #expect(plan.findings.count == 1, "\(line): \(said(plan))")
        #expect(plan.findings.allSatisfy { $0.place.line >= 3 })
    }

    @Test(arguments: [
        "forward . 10.0.0.1 {\n failover SERVFAIL REFUSED\n health_check\n max_concurrent 1000\n }",
        "cache 30 .", "cache {\n servfail 5s\n }", "multisocket", "health\n ready\n prometheus :9153",
        "cache {\n disable denial svc.corp.example\n }\n kubernetes corp.example",
    ])
    func `what is done always is nothing to tell about`(lines: String) throws {
        #expect(said(try plan(". {\n errors\n \(lines)\n}")) == [])
    }

    @Test func `answers take turns where another policy is wanted, as is told`() throws {
        #expect(try plan(". {\n loadbalance weighted f\n}").policy.rotates)
    }

    @Test func `a cache that stands in one block is told to be every block's`() throws {
        let forwards = "forward . 10.0.0.1"
        let plan = try plan(". {\n \(forwards)\n cache\n}\na.example {\n \(forwards)\n}\nb.example {\n errors\n}")
        #expect(said(plan) == ["line 3: cache: there is one for every block, that of a.example. too"])
        #expect(said(try self.plan(". {\n \(forwards)\n cache\n}\na {\n \(forwards)\n cache\n}")) == [])
    }

    // MARK: Nobody asks himself

    @Test func `a server that is this one is not asked, whoever named it, and a zone without another one is closed`()
        throws
    {
        let dns = try #require(IPAddress("10.96.0.10"))
        let own = [Self.server("10.96.0.10"), Self.server("192.0.2.1"), Self.server("127.0.0.1")]
        var circumstances = NamesPlan.Circumstances(
            addresses: [Self.server("0.0.0.0")], machine: [try #require(IPAddress("192.0.2.1"))])
        let before = NamesPlan(configuration(upstreams: own), circumstances)
        #expect(before.ownUpstreams == Array(own[1...]))
        #expect(before.policy.forwardedZones == [ForwardedZone(servers: [own[0]])])
        #expect(!before.policy.forwardedZones[0].isClosed)
        // The Service for DNS is made later.
        circumstances.clusterAddresses = [dns]
        let after = NamesPlan(configuration(upstreams: own), circumstances)
        #expect(after.ownUpstreams == own && after.policy.forwardedZones.map(\.isClosed) == [true])
        let corefile = NamesPlan(
            configuration(), try Corefile(". {\n forward . 10.96.0.10\n}", files: [:]), circumstances)
        #expect(corefile.policy.forwardedZones.map(\.isClosed) == [true])
        #expect(said(corefile) == ["line 2: forward: 10.96.0.10:53 is this server: not asked"])
    }

    @Test func `a zone that is asked of a resolv.conf without servers is closed`() throws {
        let corefile = try Corefile(". {\n forward . /etc/resolv.conf\n}", files: [:])
        let plan = NamesPlan(configuration(), corefile, .init())
        #expect(plan.policy.forwardedZones.map(\.isClosed) == [true] && said(plan) == [])
    }

    @Test(arguments: ["tls://.:853", "https://.", "grpc://.", ".:5353"])
    func `a server that is not served here is told about and left out`(address: String) throws {
        let plan = try plan("\(address) {\n forward . 10.0.0.1\n}")
        #expect(plan.findings.map(\.place.line) == [1] && plan.policy.forwardedZones.isEmpty)
    }

    // MARK: Events

    @Test func `an Event has a name that is made of what it says`() {
        let map = ObjectReference(
            kind: "ConfigMap", namespace: "kube-system", name: "coredns", uid: "u", apiVersion: "v1",
            resourceVersion: "7")
        let finding = NamesPlan.Finding(place: .init(line: 3), message: "no")
        var other = map
        other.resourceVersion = "8"
        let now = Timestamp(secondsSinceEpoch: 5)
        let first = CorefileEvents.events([finding], about: map, now: now)
        #expect(first.map(\.message) == ["line 3: no"] && first.map(\.reason) == ["CorefileLineIgnored"])
        let again = CorefileEvents.events([finding], about: other, now: Timestamp(secondsSinceEpoch: 9))
        #expect(first.map(\.metadata.name) == again.map(\.metadata.name))
        let closing = NamesPlan.Finding(place: .init(line: 4), message: "no", isClosing: true)
        let many = CorefileEvents.events(Array(repeating: finding, count: 1000) + [closing], about: map, now: now)
        #expect(many.count == 64 && many.first?.message == "line 4: no" && many.first?.reason == "CorefileLineClosed")
    }

    @Test func `an Event is counted once for each Corefile that it is said of`() throws {
        func event(_ revision: String, at second: Int64) -> Event {
            let map = ObjectReference(
                kind: "ConfigMap", namespace: "kube-system", name: "coredns", uid: "u", apiVersion: "v1",
                resourceVersion: revision)
            return CorefileEvents.event(
                "no", reason: "CorefileInvalid", about: map, now: Timestamp(secondsSinceEpoch: second))
        }
        var present = event("7", at: 5)
        present.metadata.resourceVersion = "70"
        #expect(CorefileEvents.raised(present, by: event("7", at: 9)) == nil)
        let change = try #require(CorefileEvents.raised(present, by: event("8", at: 9)))
        #expect(change["count"] == 2 && change["involvedObject"]?["resourceVersion"] == "8")
        #expect(change["lastTimestamp"] == "1970-01-01T00:00:09Z" && change["metadata"]?["resourceVersion"] == "70")
    }

    // MARK: The dump

    @Test func `a dump is a zone file with everything that is answered, and what of the Corefile is not done`() {
        var objects = NamesDump.Objects()
        var service = Service(metadata: ObjectMeta(name: "web", namespace: "shop"), spec: ServiceSpec())
        service.spec?.clusterIPs = ["10.96.0.7"]
        service.spec?.clusterIP = "10.96.0.7"
        service.spec?.ports = [ServicePort(name: "http", port: 80)]
        objects.services = [service]
        objects.namespaces = ["shop"]
        objects.corefile = ConfigMap(
            metadata: ObjectMeta(name: "coredns", namespace: "kube-system"),
            data: [
                "Corefile": """
                . {
                    kubernetes cluster.local in-addr.arpa {
                        ttl 30
                    }
                    hosts {
                        192.0.2.7 seven.example
                    }
                    forward . 192.0.2.53
                    whoami
                }
                """
            ])
        let configuration = configuration()
        let lines = NamesDump.lines(objects, configuration)
        #expect(lines.contains("web.shop.svc.cluster.local. 30 IN A 10.96.0.7"))
        #expect(
            lines.contains("_http._tcp.web.shop.svc.cluster.local. 30 IN SRV 0 100 80 web.shop.svc.cluster.local."))
        #expect(lines.contains("7.0.96.10.in-addr.arpa. 30 IN PTR web.shop.svc.cluster.local."))
        #expect(lines.contains("dns-version.cluster.local. 30 IN TXT \"1.1.0\""))
        #expect(lines.contains("; hosts in .: seven.example. 3600 IN A 192.0.2.7"))
        #expect(lines.contains("; . is asked of 192.0.2.53:53"))
        #expect(lines.contains("; Corefile, line 9: there is no plugin whoami here"))
        let part = NamesDump.lines(objects, configuration, within: Self.name("shop.svc.cluster.local"))
        #expect(part.filter { !$0.hasPrefix(";") }.count == 2)
        objects.corefile?.data = ["Corefile": ". {\n forward . 192.0.2.53 /etc/resolv.conf\n}\nclosed {\n errors\n}"]
        let asked = NamesDump.lines(objects, configuration)
        #expect(asked.contains("; . is asked of 192.0.2.53:53 the servers of each machine"))
        #expect(asked.contains("; closed. is asked of nobody"))
        #expect(asked.last == "; names of the cluster are not answered: no block has the plugin kubernetes")
        #expect(asked.allSatisfy { $0.hasPrefix(";") })
        // A machine whose flags say otherwise says so in its Node.
        func node(_ name: String, _ servers: String) -> Node {
            Node(metadata: ObjectMeta(name: name, annotations: ["traffic.martlet.dev/name-upstreams": servers]))
        }
        objects.nodes = [
            node("c", "192.0.2.9\nx. 5 IN A 6.6.6.6,nonsense"), node("b", "192.0.2.1:53,tls://192.0.2.2:853"),
            node("a", "192.0.2.1:53,tls://192.0.2.2:853"),
        ]
        #expect(
            NamesDump.lines(objects, configuration).contains(
                "; . is asked of 192.0.2.1:53 tls://192.0.2.2:853 on a, b, whose --dns-upstream goes before a Corefile")
        )
        #expect(!NamesDump.lines(objects, configuration).contains { $0.contains("6.6.6.6") })
        objects.corefile?.data = ["Corefile": "}"]
        let other = NamesDump.lines(objects, configuration)
        #expect(other.first == "; Corefile, line 1: a closing brace without a block; it is not used")
        #expect(other.contains("web.shop.svc.cluster.local. 5 IN A 10.96.0.7"))
    }
}
