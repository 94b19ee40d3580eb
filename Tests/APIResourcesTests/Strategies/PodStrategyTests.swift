import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of Pods") struct PodStrategyTests {
    static func pod(_ container: JSONValue? = nil, _ spec: [String: JSONValue] = [:]) -> JSONValue {
        var fields: JSONObject = ["containers": [container ?? ["name": "web", "image": "web:1"]]]
        for (key, value) in spec { fields[key] = value }
        return ["metadata": ["name": "web"], "spec": .object(fields)]
    }

    static let path = "spec.containers[0]"
    static let cases: [RefusalCase] = [
        RefusalCase("good", pod()),
        RefusalCase("no containers", pod(nil, ["containers": []]), "spec.containers: Required value"),
        RefusalCase("an empty container", pod([:]), "\(path).name: Required value", "\(path).image: Required value"),
        RefusalCase(
            "the same name twice",
            pod(nil, ["containers": [["name": "a", "image": "a"], ["name": "a", "image": "a"]]]),
            "spec.containers[1].name: Duplicate value: \"a\""),
        RefusalCase(
            "ports",
            pod([
                "name": "a", "image": "a",
                "ports": [
                    ["containerPort": 0], ["name": "h", "containerPort": 1], ["name": "h", "containerPort": 99999],
                ],
            ]), "\(path).ports[0].containerPort: Required value", "\(path).ports[2].name: Duplicate value: \"h\"",
            "\(path).ports[2].containerPort: Invalid value: 99999: \(Wording.port)"),
        RefusalCase(
            "probes",
            pod([
                "name": "a", "image": "a", "readinessProbe": [:],
                "livenessProbe": [
                    "httpGet": ["port": "http", "scheme": "FTP"], "tcpSocket": ["port": 1], "successThreshold": 2,
                ], "startupProbe": ["tcpSocket": ["port": 0], "periodSeconds": -1],
            ]),
            "\(path).livenessProbe.httpGet.scheme: Unsupported value: \"FTP\": supported values: \"HTTP\", \"HTTPS\"",
            "\(path).livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
            "\(path).livenessProbe.successThreshold: Invalid value: 2: must be 1",
            "\(path).readinessProbe: Required value: must specify a handler type",
            "\(path).startupProbe.tcpSocket.port: Invalid value: 0: \(Wording.port)",
            "\(path).startupProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0"),
        RefusalCase(
            "policies", pod(nil, ["restartPolicy": "Maybe", "dnsPolicy": "None", "hostname": "H"]),
            "spec.restartPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"Never\", \"OnFailure\"",
            "spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is "
                + "None", "spec.hostname: Invalid value: \"H\": \(Wording.label)"),
    ]

    @Test(arguments: cases)
    func `a Pod is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(PodStrategy())
    }

    @Test func `a Pod gets Kubernetes' defaults and begins pending`() throws {
        let container: JSONValue = [
            "name": "web", "image": "registry:5000/web", "ports": [["containerPort": 80]],
            "readinessProbe": ["httpGet": ["port": 80]],
        ]
        var object = Self.pod(container)
        object["status"] = ["podIP": "192.0.2.1"]
        let stored = try #require(StrategyFixture(strategy: PodStrategy()).create(object).document)
        let spec = stored["spec"]
        #expect(spec["restartPolicy"] == "Always" && spec["dnsPolicy"] == "ClusterFirst")
        #expect(spec["terminationGracePeriodSeconds"] == 30 && spec["schedulerName"] == "default-scheduler")
        let first = spec["containers"][0]
        #expect(first["imagePullPolicy"] == "Always")
        #expect(first["ports"] == [["containerPort": 80, "protocol": "TCP"]])
        #expect(
            first["readinessProbe"] == [
                "httpGet": ["port": 80, "path": "/", "scheme": "HTTP"], "timeoutSeconds": 1, "periodSeconds": 10,
                "successThreshold": 1, "failureThreshold": 3,
            ])
        #expect(stored["status"] == ["phase": "Pending", "qosClass": "BestEffort"])
        let fields = PodStrategy().selectableFields(of: stored)
        #expect(fields["spec.hostNetwork"] == "false" && fields["status.phase"] == "Pending")
        #expect(fields["spec.schedulerName"] == "default-scheduler" && fields["spec.nodeName"] == "")
        #expect(Set(fields.keys) == Set(PodStrategy().selectableFieldNames))
    }

    @Test func `only the image, the deadline and more tolerations can change`() throws {
        let fixture = StrategyFixture(strategy: PodStrategy())
        let old = try #require(fixture.create(Self.pod()).document)
        var changed = Self.pod(["name": "web", "image": "web:2"], ["activeDeadlineSeconds": 60])
        changed["spec"]["tolerations"] = [["key": "a", "operator": "Exists"]]
        #expect(fixture.update(changed, from: old).refusals.isEmpty)
        changed["spec"]["nodeName"] = "n1"
        let refusals = fixture.update(changed, from: old).refusals
        #expect(refusals.count == 1)
        #expect(refusals.first?.hasPrefix("spec: Forbidden: pod updates may not change fields other than") == true)
        changed["spec"]["containers"] = [["name": "a", "image": "a"], ["name": "b", "image": "b"]]
        #expect(
            fixture.update(changed, from: old).refusals
                == ["spec.containers: Forbidden: pod updates may not add or remove containers"])
    }

    @Test func `status writes bring podIP and podIPs together`() throws {
        let fixture = StrategyFixture(strategy: PodStrategy())
        let old = try #require(fixture.create(Self.pod()).document)
        var changed = old
        changed["status"] = ["phase": "Running", "podIP": "127.0.0.7"]
        let stored = try #require(fixture.updateStatus(changed, from: old).document)
        #expect(stored["status"]["podIPs"] == [["ip": "127.0.0.7"]])
        #expect(stored["status"]["qosClass"] == "BestEffort")
        changed["status"] = ["podIPs": [["ip": "x"], ["ip": "x"]]]
        #expect(
            fixture.updateStatus(changed, from: old).refusals == [
                "status.podIPs[0].ip: Invalid value: \"x\": \(Wording.address)",
                "status.podIPs[1].ip: Invalid value: \"x\": \(Wording.address)",
                "status.podIPs[1]: Duplicate value: {\"ip\":\"x\"}",
            ])
    }
}
