import KubeModel
import NetworkTypes
import TestSupport
import Testing

@testable import APIResources

/// Objects with parts replaced at random: whatever comes of them, no strategy traps, and none loses an address.
@Suite("Documents changed at random") struct StrategyMutationTests {
    static let samples: [String: JSONValue] = [
        "services": [
            "metadata": ["name": "web", "namespace": "default", "annotations": ["a": "b"]],
            "spec": [
                "type": "LoadBalancer", "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"], "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "PreferDualStack", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30007,
                "externalIPs": ["192.0.2.1"], "loadBalancerSourceRanges": ["10.0.0.0/8"], "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": ["clientIP": ["timeoutSeconds": 60]], "selector": ["app": "web"],
                "ports": [
                    ["name": "a", "port": 80, "nodePort": 30001, "targetPort": "http", "protocol": "TCP"],
                    ["name": "b", "port": 53, "protocol": "UDP"],
                ],
            ],
            "status": [
                "loadBalancer": ["ingress": [["ip": "192.0.2.7", "ports": [["port": 80, "protocol": "TCP"]]]]]
            ],
        ],
        "endpointslices": [
            "metadata": ["name": "a", "namespace": "default"], "addressType": "IPv4",
            "endpoints": [
                [
                    "addresses": ["10.0.0.1"], "hostname": "a", "nodeName": "n",
                    "hints": ["forZones": [["name": "z"]], "forNodes": [["name": "n"]]],
                    "deprecatedTopology": ["a": "b"],
                ]
            ], "ports": [["name": "a", "port": 80, "appProtocol": "http"]],
        ],
        "endpoints": [
            "metadata": ["name": "a", "namespace": "default"],
            "subsets": [["addresses": [["ip": "10.0.0.1"]], "notReadyAddresses": [], "ports": [["port": 80]]]],
        ],
        "ingresses": [
            "metadata": ["name": "a", "namespace": "default", "annotations": ["kubernetes.io/ingress.class": "x"]],
            "spec": [
                "rules": [
                    [
                        "host": "*.example.com",
                        "http": [
                            "paths": [
                                [
                                    "path": "/a", "pathType": "Prefix",
                                    "backend": ["service": ["name": "a", "port": ["number": 80]]],
                                ]
                            ]
                        ],
                    ]
                ], "defaultBackend": ["resource": ["apiGroup": "a", "kind": "B", "name": "c"]],
                "tls": [["hosts": ["a.example.com"], "secretName": "s"]],
            ], "status": ["loadBalancer": ["ingress": [["hostname": "a"]]]],
        ],
        "ingressclasses": [
            "metadata": ["name": "a"],
            "spec": ["controller": "a.b/c", "parameters": ["kind": "A", "name": "b", "scope": "Namespace"]],
        ],
        "pods": [
            "metadata": ["name": "a", "namespace": "default"],
            "spec": [
                "containers": [
                    [
                        "name": "a", "image": "r/a:1", "ports": [["containerPort": 80, "name": "http"]],
                        "resources": ["limits": ["cpu": "1"]],
                        "readinessProbe": ["httpGet": ["port": 80], "periodSeconds": 1],
                    ]
                ], "dnsConfig": ["nameservers": ["10.0.0.1"]], "tolerations": [["key": "a"]],
                "readinessGates": [["conditionType": "a"]], "nodeSelector": ["a": "b"],
            ], "status": ["podIP": "10.0.0.1", "podIPs": [["ip": "10.0.0.1"]]],
        ],
        "nodes": [
            "metadata": ["name": "a"],
            "spec": ["taints": [["key": "a", "effect": "NoExecute"]], "podCIDRs": ["10.0.0.0/8"]],
            "status": ["addresses": [["type": "InternalIP", "address": "10.0.0.1"]]],
        ],
        "namespaces": ["metadata": ["name": "a", "labels": ["a": "b"]], "spec": ["finalizers": ["kubernetes"]]],
        "secrets": [
            "metadata": ["name": "a", "namespace": "default"], "type": "kubernetes.io/dockerconfigjson",
            "data": [".dockerconfigjson": "e30="], "stringData": ["a": "b"],
        ],
        "configmaps": [
            "metadata": ["name": "a", "namespace": "default"], "data": ["a": "b"], "binaryData": ["c": "YQ=="],
        ],
        "events": EventStrategyTests.core,
        "leases": [
            "metadata": ["name": "a", "namespace": "default"],
            "spec": ["leaseDurationSeconds": 15, "leaseTransitions": 1, "strategy": "a"],
        ],
        "routetables": [
            "metadata": ["name": "a", "namespace": "default"],
            "spec": [
                "controllerName": "a.b/c",
                "rules": [
                    [
                        "host": "a",
                        "paths": [["path": "/", "pathType": "Exact", "backend": RouteTableStrategyTests.backend]],
                    ]
                ], "tls": [["hosts": ["a"], "secretName": "s"]],
            ],
        ],
        "deployments": WorkloadStrategyTests.workload(["strategy": ["rollingUpdate": ["maxSurge": "25%"]]]),
        "replicasets": WorkloadStrategyTests.workload(), "replicationcontrollers": WorkloadStrategyTests.workload(),
        "daemonsets": WorkloadStrategyTests.workload(["updateStrategy": ["rollingUpdate": ["maxSurge": 1]]]),
        "statefulsets": WorkloadStrategyTests.workload([
            "podManagementPolicy": "Parallel", "ordinals": ["start": 1],
            "volumeClaimTemplates": [["spec": ["resources": ["requests": ["storage": "1Gi"]]]]],
        ]),
        "jobs": JobStrategyTests.job([
            "completionMode": "Indexed", "completions": 5, "podFailurePolicy": ["rules": [["action": "Ignore"]]],
            "successPolicy": ["rules": [["succeededIndexes": "0-2,4"]]],
        ]), "cronjobs": JobStrategyTests.cronJob(["timeZone": "Etc/UTC"]),
        "poddisruptionbudgets": ["metadata": ["name": "a"], "spec": ["minAvailable": "5%", "selector": [:]]],
        "networkpolicies": [
            "metadata": ["name": "a"],
            "spec": [
                "ingress": [["ports": [["port": 1, "endPort": 2]], "from": [["ipBlock": ["cidr": "10.0.0.0/8"]]]]]
            ],
        ],
        "persistentvolumeclaims": [
            "metadata": ["name": "a"],
            "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
        ],
        "rolebindings": [
            "metadata": ["name": "a"], "roleRef": ["kind": "Role"], "subjects": [["kind": "User", "name": "a"]],
        ], "clusterroles": ["metadata": ["name": "a"], "rules": [["verbs": ["get"]]]],
        "healthchecks": [
            "metadata": ["name": "a"],
            "spec": [
                "targetRefs": [["name": "web"]], "periodSeconds": 5, "timeoutSeconds": 2,
                "httpGet": ["path": "/", "port": "http", "httpHeaders": [["name": "A", "value": "b"]]],
            ],
        ],
        "addresspools": ["metadata": ["name": "a"], "spec": ["addresses": ["10.0.0.0/24", "fd00::1-fd00::5"]]],
    ]

    private static let substitutes: [JSONValue] = [
        .null, true, 0, -1, 70_000, .integer(.max), .integer(.min), .number(1.5), "", "None", "x", "10.0.0.1",
        "fd00::1",
        "ExternalName", "NodePort", "RequireDualStack", "SingleStack", "*", "*.", "/", ":", "=", "AA=A", "\u{1F600}",
        [],
        [:], ["a"], [[:]], ["a": "b"], ["10.0.0.1", "fd00::1", "10.0.0.2"], ["IPv6"], [.null],
    ]

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `no strategy traps on odd input`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let ranges = AllocationRanges(serviceCIDRs: [
            try #require(CIDR("10.0.0.0/24")), try #require(CIDR("fd00::/120")),
        ])
        let allocations = try ServiceAllocations(ranges: ranges)
        let untouched = allocations.free
        for strategy in BuiltInResources.strategies(
            allocations: allocations, addressRule: EndpointAddressRule(ranges: ranges))
        {
            guard let sample = Self.samples[strategy.definition.plural] else { continue }
            let fixture = StrategyFixture(strategy: strategy)
            for _ in 0..<60 {
                let old = fixture.create(Self.mutated(sample, &random)).document
                let next = Self.mutated(sample, &random)
                let new = old.flatMap { fixture.update(next, from: $0).document }
                _ = fixture.updateStatus(next, from: new ?? old ?? sample)
                if let kept = new ?? old {
                    _ = strategy.selectableFields(of: kept)
                    _ = strategy.warnings(for: kept, replacing: nil)
                    // Whatever it says: no kind of ours needs a webhook to be converted.
                    if let form = strategy.storedForm { _ = try form.decode(form.encode(kept)) }
                    strategy.release(kept)
                }
            }
        }
        #expect(allocations.free == untouched)
    }

    /// The value with up to three of its parts replaced or removed.
    private static func mutated(_ value: JSONValue, _ random: inout SeededRandom) -> JSONValue {
        var value = value
        for _ in 0..<random.next() % 4 { value = mutatedOnce(value, &random) }
        return value
    }

    private static func mutatedOnce(_ value: JSONValue, _ random: inout SeededRandom) -> JSONValue {
        let stopsHere = random.next() % 5 == 0
        switch value {
        case .object(var fields) where !fields.isEmpty && !stopsHere:
            let key = Array(fields.keys)[Int(random.next() % UInt64(fields.count))]
            // Names stay: the request path has checked them.
            if key == "metadata" { return value }
            if random.next() % 10 == 0 {
                fields[key] = nil
            } else {
                fields[key] = mutatedOnce(fields[key] ?? .null, &random)
            }
            return .object(fields)
        case .array(var items) where !items.isEmpty && !stopsHere:
            let index = Int(random.next() % UInt64(items.count))
            if random.next() % 6 == 0 { items.append(items[index]) }
            items[index] = mutatedOnce(items[index], &random)
            return .array(items)
        default:
            return substitutes[Int(random.next() % UInt64(substitutes.count))]
        }
    }
}
