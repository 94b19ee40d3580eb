import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of advertisements and communities") struct AdvertisementStrategyTests {
    private static func object(_ spec: JSONValue) -> JSONValue { ["metadata": ["name": "a"], "spec": spec] }

    static let bgp: [RefusalCase] = [
        RefusalCase("empty", ["metadata": ["name": "a"]]),
        RefusalCase(
            "good",
            object([
                "ipAddressPools": ["first-pool"], "aggregationLength": 32, "localPref": 100, "aggregationLengthV6": 64,
                "communities": ["65535:65282", "large:4294967295:1:2", "vpn-only"], "peers": ["a", "b"],
                "nodeSelectors": [["matchLabels": ["kubernetes.io/hostname": "NodeA"]]],
            ])),
        RefusalCase(
            "prefixes that there are not",
            object(["aggregationLength": 33, "aggregationLengthV6": 129, "localPref": 4_294_967_296]),
            "spec.aggregationLength: Invalid value: 33: must be between 1 and 32, inclusive",
            "spec.aggregationLengthV6: Invalid value: 129: must be between 1 and 128, inclusive",
            "spec.localPref: Invalid value: 4294967296: must be between 0 and 4294967295, inclusive"),
        RefusalCase(
            "prefixes of selected Services",
            object(["aggregationLength": 24, "serviceSelectors": [["matchLabels": ["a": "b"]]]]),
            "spec.aggregationLength: Forbidden: may not be set together with serviceSelectors: a prefix is of many "
                + "Services"),
        RefusalCase(
            "communities that there are not", object(["communities": ["65536:1", "small:1:2:3", "1:2", "1:2"]]),
            "spec.communities[3]: Duplicate value: \"1:2\"",
            "spec.communities[0]: Invalid value: \"65536:1\": must be two numbers from 0 to 65535, (e.g. 65000:100)",
            "spec.communities[1]: Invalid value: \"small:1:2:3\": must be \"large\" and three numbers from 0 to "
                + "4294967295, (e.g. large:64512:1:2)"),
        RefusalCase(
            "names twice", object(["ipAddressPools": ["a", "a"], "peers": ["b", "c", "b"]]),
            "spec.ipAddressPools[1]: Duplicate value: \"a\"", "spec.peers[2]: Duplicate value: \"b\""),
    ]

    @Test(arguments: bgp)
    func `a BGPAdvertisement is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(AdvertisementStrategy(.bgp(AggregationLengths())))
    }

    @Test func `an L2Advertisement is refused for a selector that means nothing`() {
        let odd: JSONValue = ["matchExpressions": [["key": "a", "operator": "In"]]]
        RefusalCase("good", Self.object(["interfaces": ["eth0", "eth1"], "ipAddressPools": ["p"]])).expect(
            AdvertisementStrategy(.layer2))
        let reason = "Required value: must be specified when `operator` is 'In' or 'NotIn'"
        RefusalCase(
            "odd",
            Self.object([
                "interfaces": ["eth0", "eth0"], "nodeSelectors": [odd],
                "preferredNodeSelectors": [["weight": 1, "preference": odd]],
            ]),
            "spec.nodeSelectors[0].matchExpressions[0].values: \(reason)",
            "spec.interfaces[1]: Duplicate value: \"eth0\"",
            "spec.preferredNodeSelectors[0].preference.matchExpressions[0].values: \(reason)"
        ).expect(AdvertisementStrategy(.layer2))
    }

    @Test func `a Community names each community once, by what is one`() {
        RefusalCase(
            "odd",
            Self.object([
                "communities": [
                    ["name": "vpn-only", "value": "1234:1"], ["name": "vpn-only", "value": "NO"],
                    ["value": "large:1:2:x"],
                ]
            ]),
            "spec.communities[1].name: Duplicate value: \"vpn-only\"",
            "spec.communities[1].value: Invalid value: \"NO\": must be a community, (e.g. 65000:100 or "
                + "large:64512:1:2)",
            "spec.communities[2].name: Required value",
            "spec.communities[2].value: Invalid value: \"large:1:2:x\": must be \"large\" and three numbers from 0 to "
                + "4294967295, (e.g. large:64512:1:2)"
        ).expect(CommunityStrategy())
    }

    /// Whether a /length of an address rolls up no more than there is in a pool of one range.
    @Test(arguments: [
        ("192.0.2.0/24", 24, true), ("192.0.2.0/24", 23, false), ("192.0.2.0/24", 32, true),
        ("192.0.2.10-192.0.2.40", 28, true), ("192.0.2.10-192.0.2.40", 27, false),
        ("192.0.2.1-192.0.2.1", 32, true), ("192.0.2.1-192.0.2.2", 31, false), ("0.0.0.1-255.255.255.255", 1, true),
        ("fd00::/64", 64, true), ("fd00::/64", 63, false), ("fd00::-fd00::1:0", 112, true),
    ])
    func `no prefix is announced that reaches beyond its range`(range: String, length: Int, fits: Bool) {
        let key = range.contains(":") ? "aggregationLengthV6" : "aggregationLength"
        let pool: JSONValue = [
            "metadata": ["name": "p", "namespace": "m", "labels": ["a": "b"]], "spec": ["addresses": [.string(range)]],
        ]
        func advertisement(_ spec: JSONObject, namespace: String = "m") -> JSONValue {
            var object: JSONValue = [
                "metadata": ["name": "a", "namespace": .string(namespace)], "spec": .object(spec),
            ]
            object["spec"][key] = .integer(Int64(length))
            return object
        }
        let first = AggregationLengths()
        first.keep(pool: pool)
        for taking: JSONObject in [
            [:], ["ipAddressPools": ["p"]], ["ipAddressPoolSelectors": [["matchLabels": ["a": "b"]]]],
        ] {
            #expect((first.finding(inAdvertisement: advertisement(taking))?.field == "spec.\(key)") == !fits)
            let second = AggregationLengths()
            second.keep(advertisement: advertisement(taking))
            #expect((second.finding(inPool: pool)?.field == "spec.addresses[0]") == !fits)
            second.remove(advertisement: advertisement(taking))
            #expect(second.finding(inPool: pool) == nil)
        }
        #expect(first.finding(inAdvertisement: advertisement(["ipAddressPools": ["q"]])) == nil)
        #expect(first.finding(inAdvertisement: advertisement([:], namespace: "other")) == nil)
        first.remove(pool: pool)
        #expect(first.finding(inAdvertisement: advertisement([:])) == nil)
    }
}
