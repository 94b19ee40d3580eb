import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// `kubectl` as people use it to look at things.
    @Suite("kubectl reads", .serialized, .martlet("apiserver")) struct KubectlReadTests {
        private static let manifest = """
            apiVersion: v1
            kind: Namespace
            metadata: {name: reading}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: web, namespace: reading, labels: {tier: front}}
            spec:
              clusterIP: 127.96.7.7
              ports: [{name: http, port: 80, targetPort: http}]
              selector: {app: web}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: db, namespace: reading, labels: {tier: back}}
            spec:
              type: ExternalName
              externalName: db.example.com
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings, namespace: reading, labels: {tier: back}}
            data: {color: blue, size: "3"}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: web-1, namespace: reading, labels: {app: web}}
            spec: {containers: [{name: web, image: example/web, ports: [{name: http, containerPort: 8080}]}]}
            """

        private func prepared() async throws -> MartletServer {
            let server = try suiteServer()
            try await server.kubectl("apply", "-f", "-", input: Self.manifest)
            return server
        }

        @Test func `get prints Kubernetes' columns`() async throws {
            let server = try await prepared()
            let lines = try await server.kubectl("get", "services", "-n", "reading").split(separator: "\n")
            #expect(Self.words(lines[0]) == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"])
            #expect(Self.words(lines[1]).prefix(4) == ["db", "ExternalName", "<none>", "db.example.com"])
            #expect(Self.words(lines[2]).prefix(5) == ["web", "ClusterIP", "127.96.7.7", "<none>", "80/TCP"])
            let wide = try await server.kubectl("get", "svc", "-n", "reading", "-o", "wide").split(separator: "\n")
            #expect(Self.words(wide[0]).last == "SELECTOR")
            #expect(Self.words(wide[2]).last == "app=web")
            let everywhere = try await server.kubectl("get", "svc", "-A")
            #expect(everywhere.hasPrefix("NAMESPACE "))
            let pod = try await server.kubectl("get", "po", "web-1", "-n", "reading", "--no-headers")
            #expect(Self.words(pod[...]).prefix(4) == ["web-1", "0/1", "Pending", "0"])
        }

        @Test func `get prints an object in every format`() async throws {
            let server = try await prepared()
            func get(_ format: String) async throws -> String {
                try await server.kubectl("get", "configmap", "settings", "-n", "reading", "-o", format)
            }
            #expect(try await get("name") == "configmap/settings")
            #expect(try await get("jsonpath={.data.color}{.data.size}") == "blue3")
            #expect(try await get("custom-columns=N:.metadata.name,C:.data.color").contains("settings   blue"))
            #expect(try await get("go-template={{.data.size}}") == "3")
            let object = try JSONParser.parse(Array(try await get("json").utf8))
            #expect(object["kind"] == "ConfigMap")
            #expect(object["apiVersion"] == "v1")
            #expect(object["metadata"]["uid"].string?.count == 36)
            #expect(try await get("yaml").contains("size: \"3\""))
            let list = try await server.kubectl("get", "svc,cm", "-n", "reading", "-o", "name")
            #expect(
                Set(list.split(separator: "\n")).isSuperset(of: ["service/db", "service/web", "configmap/settings"]))
        }

        @Test func `get all shows the kinds of that category`() async throws {
            let server = try await prepared()
            let all = try await server.kubectl("get", "all", "-n", "reading", "-o", "name")
            #expect(Set(all.split(separator: "\n")) == ["pod/web-1", "service/db", "service/web"])
        }

        @Test(arguments: [
            ("tier=back", "service/db"), ("tier", "service/db service/web"), ("tier!=back", "service/web"),
            ("tier in (front,other)", "service/web"), ("tier notin (front)", "service/db"), ("!tier", ""),
            ("tier=front,tier=back", ""),
        ]) func `selectors pick by label`(_ selector: String, _ expected: String) async throws {
            let server = try await prepared()
            let found = try await server.kubectl("get", "svc", "-n", "reading", "-l", selector, "-o", "name")
            #expect(found.split(separator: "\n").joined(separator: " ") == expected)
        }

        @Test(arguments: [
            ("svc", "metadata.name=web", "service/web"), ("svc", "spec.clusterIP=127.96.7.7", "service/web"),
            ("svc", "metadata.name!=web", "service/db"), ("pods", "status.phase=Pending", "pod/web-1"),
            ("pods", "spec.nodeName=other", ""),
        ]) func `selectors pick by field`(_ kind: String, _ selector: String, _ expected: String) async throws {
            let server = try await prepared()
            let found = try await server.kubectl(
                "get", kind, "-n", "reading", "--field-selector", selector, "-o", "name")
            #expect(found == expected)
        }

        @Test func `an unknown field selector is refused`() async throws {
            let server = try await prepared()
            let error = try await server.kubectlError("get", "svc", "-n", "reading", "--field-selector", "spec.x=1")
            #expect(error.contains("field label not supported: spec.x"))
        }

        @Test func `get in chunks returns everything`() async throws {
            let server = try await prepared()
            for number in 1...7 {
                try await server.kubectl("create", "configmap", "chunk-\(number)", "-n", "default")
            }
            let names = try await server.kubectl("get", "cm", "-n", "default", "--chunk-size=3", "-o", "name")
            #expect(names.split(separator: "\n").count { $0.contains("chunk-") } == 7)
        }

        @Test(arguments: [
            ("service", "web", ["Type:", "ClusterIP", "TargetPort:", "http/TCP", "Selector:", "app=web"]),
            ("configmap", "settings", ["color:", "blue"]), ("pod", "web-1", ["Image:", "example/web", "8080/TCP"]),
            ("namespace", "reading", ["Status:", "Active"]),
        ]) func `describe tells the details`(_ kind: String, _ name: String, _ words: [String]) async throws {
            let server = try await prepared()
            let text = try await server.kubectl("describe", kind, name, "-n", "reading")
            for word in words { #expect(text.contains(word), "\(word) in\n\(text)") }
        }

        @Test func `describe shows the events of an object`() async throws {
            let server = try await prepared()
            let uid = try await server.kubectl(
                "get", "svc", "web", "-n", "reading", "-o", "jsonpath={.metadata.uid}")
            try await server.kubectl(
                "create", "-f", "-",
                input: """
                    apiVersion: v1
                    kind: Event
                    metadata: {name: web.1, namespace: reading}
                    involvedObject: {apiVersion: v1, kind: Service, name: web, namespace: reading, uid: \(uid)}
                    type: Warning
                    reason: Tested
                    message: The test was here.
                    source: {component: tests}
                    firstTimestamp: "2026-01-01T00:00:00Z"
                    lastTimestamp: "2026-01-01T00:00:00Z"
                    count: 3
                    """)
            let text = try await server.kubectl("describe", "service", "web", "-n", "reading")
            #expect(text.contains("Tested") && text.contains("The test was here."))
            let table = try await server.kubectl("get", "events", "-n", "reading").split(separator: "\n")
            #expect(table[0].hasPrefix("LAST SEEN "))
            #expect(Self.words(table[1]).dropFirst().prefix(3) == ["Warning", "Tested", "service/web"])
        }

        @Test func `api-resources lists every kind with its short names`() async throws {
            let server = try await prepared()
            let text = try await server.kubectl("api-resources", "--no-headers")
            let rows = text.split(separator: "\n").map(Self.words)
            for (name, short) in [
                ("configmaps", "cm"), ("endpoints", "ep"), ("events", "ev"), ("namespaces", "ns"), ("nodes", "no"),
                ("pods", "po"), ("services", "svc"), ("serviceaccounts", "sa"), ("ingresses", "ing"),
                ("routetables", "rt"),
            ] {
                #expect(rows.contains { $0.first == name && $0[1].split(separator: ",").contains(Substring(short)) })
            }
            for name in ["secrets", "endpointslices", "leases", "ingressclasses", "addresspools"] {
                #expect(rows.contains { $0.first == name })
            }
            let listable = try await server.kubectl("api-resources", "--verbs=list,watch", "-o", "name")
            #expect(listable.contains("endpointslices.discovery.k8s.io"))
        }

        @Test func `api-versions lists every group version`() async throws {
            let server = try await prepared()
            let versions = try await server.kubectl("api-versions").split(separator: "\n")
            #expect(
                Set(versions) == [
                    "v1", "admissionregistration.k8s.io/v1", "apiextensions.k8s.io/v1", "apiregistration.k8s.io/v1",
                    "apps/v1", "authentication.k8s.io/v1", "authorization.k8s.io/v1", "autoscaling/v1",
                    "autoscaling/v2",
                    "batch/v1", "certificates.k8s.io/v1",
                    "coordination.k8s.io/v1", "discovery.k8s.io/v1", "events.k8s.io/v1",
                    "flowcontrol.apiserver.k8s.io/v1", "metallb.io/v1beta1", "metallb.io/v1beta2",
                    "networking.k8s.io/v1", "node.k8s.io/v1", "policy/v1",
                    "rbac.authorization.k8s.io/v1", "resource.k8s.io/v1", "scheduling.k8s.io/v1", "storage.k8s.io/v1",
                    "traffic.martlet.dev/v1",
                ])
        }

        @Test(arguments: [
            ("service.spec.ports", "targetPort"), ("pods.spec.containers", "readinessProbe"),
            ("ingress.spec.rules.http.paths", "pathType"), ("endpointslice.endpoints.conditions", "serving"),
            ("routetable.spec", "controllerName"), ("addresspools.spec", "autoAssign"), ("events", "involvedObject"),
        ]) func `explain describes fields`(_ path: String, _ field: String) async throws {
            let server = try await prepared()
            let text = try await server.kubectl("explain", path)
            #expect(text.contains("KIND:") && text.contains("VERSION:"))
            #expect(text.contains("  \(field)\t"), "\(text)")
            let recursive = try await server.kubectl("explain", String(path.prefix { $0 != "." }), "--recursive")
            #expect(recursive.contains(field))
        }

        @Test func `explain of an unknown field is an error`() async throws {
            let server = try await prepared()
            let error = try await server.kubectlError("explain", "service.spec.nothing")
            #expect(error.contains("does not exist"))
        }

        @Test func `version and cluster-info name the server`() async throws {
            let server = try await prepared()
            let version = try await server.kubectl("version", "-o", "json")
            #expect(try JSONParser.parse(Array(version.utf8))["serverVersion"]["major"] == "1")
            #expect(try await server.kubectl("cluster-info").contains(server.url))
        }

        @Test func `what is missing is named in the words of Kubernetes`() async throws {
            let server = try await prepared()
            #expect(
                try await server.kubectlError("get", "svc", "nothing", "-n", "reading")
                    == "Error from server (NotFound): services \"nothing\" not found\n")
            #expect(
                try await server.kubectlError("get", "ingress", "nothing", "-n", "reading")
                    == "Error from server (NotFound): ingresses.networking.k8s.io \"nothing\" not found\n")
            #expect(
                try await server.kubectlError("get", "widgets")
                    == "error: the server doesn't have a resource type \"widgets\"\n")
            let empty = try await server.tryKubectl(["get", "secrets", "-n", "reading"])
            #expect(empty.err == "No resources found in reading namespace.\n")
        }

        private static func words(_ line: Substring) -> [String] {
            line.split(whereSeparator: \.isWhitespace).map(String.init)
        }
    }
}
