import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// `kubectl` on the kinds that are kept for the sake of manifests and charts.
    @Suite("kubectl and workloads", .serialized, .martlet("apiserver")) struct KubectlWorkloadTests {
        private func server(_ namespace: String) async throws -> MartletServer {
            let server = try suiteServer()
            try await server.makeNamespace(namespace)
            return server
        }

        private static let chart = MartletServer.packageRoot.appending(
            path: "Tests/EndToEndTests/Manifests/chart.yaml"
        ).path

        /// What kubectl says besides that nothing runs a workload here and no policy drops anything, which is told at each
        /// creation.
        private static func warnings(_ text: String) -> String {
            text.split(separator: "\n").filter {
                !$0.contains("starts no Pods for it") && !$0.contains("this server drops nothing")
            }.joined(separator: "\n")
        }

        @Test func `a chart's manifests apply, and apply again without a change`() async throws {
            let server = try await server("chart")
            func apply(_ options: String...) async throws -> [Substring] {
                let output = try await server.tryKubectl(["apply", "-n", "chart", "-f", Self.chart] + options)
                try #require(output.succeeded, "\(output)")
                // Nothing that is checked is worth a warning but that nothing runs it.
                #expect(Self.warnings(output.err) == "")
                return output.out.split(separator: "\n")
            }
            func versions() async throws -> String {
                try await server.kubectl(
                    "get", "-n", "chart", "-f", Self.chart, "-o",
                    "jsonpath={range .items[*]}{.kind}/{.metadata.resourceVersion} {end}")
            }
            let created = try await apply()
            #expect(created.count == 15 && created.allSatisfy { $0.hasSuffix(" created") }, "\(created)")
            let before = try await versions()
            // kubectl compares texts: it says "configured" where the server keeps another form of the same (0.25 cpu), or
            // fills in parts of atomic lists. Nothing may come of it.
            #expect(try await apply().count == 15)
            #expect(try await versions() == before)
            let diff = try await server.tryKubectl(["diff", "-n", "chart", "-f", Self.chart])
            #expect(diff.succeeded && diff.out == "", "\(diff)")
            let serverSide = try await server.tryKubectl([
                "apply", "--server-side", "--force-conflicts", "-n", "chart", "-f", Self.chart,
            ])
            #expect(serverSide.succeeded, "\(serverSide)")
            let quantities = try await server.kubectl(
                "get", "deploy", "shop-web", "-n", "chart", "-o",
                "jsonpath={.spec.template.spec.containers[0].resources.requests}")
            #expect(quantities == #"{"cpu":"250m","memory":"128Mi"}"#)
            // The claim goes when a controller has seen that nobody uses it, and there is none here.
            let deleted = try await server.kubectl("delete", "--wait=false", "-n", "chart", "-f", Self.chart)
            #expect(deleted.split(separator: "\n").count == 15)
        }

        @Test func `create makes workloads from arguments`() async throws {
            let server = try await server("typed")
            func create(_ arguments: String...) async throws -> String {
                let output = try await server.tryKubectl(["create"] + arguments + ["-n", "typed"])
                return output.out + Self.warnings(output.err)
            }
            #expect(
                try await create("deployment", "web", "--image=nginx:1", "--replicas=3", "--port=80")
                    == "deployment.apps/web created\n")
            #expect(try await create("job", "pi", "--image=perl", "--", "perl", "-e", "1") == "job.batch/pi created\n")
            #expect(
                try await create("cronjob", "nightly", "--image=busybox", "--schedule=0 3 * * *")
                    == "cronjob.batch/nightly created\n")
            #expect(
                try await create("job", "by-hand", "--from=cronjob/nightly") == "job.batch/by-hand created\n")
            #expect(
                try await create("pdb", "web", "--selector=app=web", "--min-available=50%")
                    == "poddisruptionbudget.policy/web created\n")
            #expect(
                try await create("role", "reader", "--verb=get", "--resource=pods")
                    == "role.rbac.authorization.k8s.io/reader created\n")
            #expect(
                try await create("rolebinding", "reader", "--role=reader", "--user=ann")
                    == "rolebinding.rbac.authorization.k8s.io/reader created\n")
            #expect(
                try await create("clusterrole", "typed-viewer", "--verb=get", "--non-resource-url=/metrics")
                    == "clusterrole.rbac.authorization.k8s.io/typed-viewer created\n")
            let bad = try await create("cronjob", "bad", "--image=a", "--schedule=often")
            #expect(bad.contains("expected exactly 5 fields, found 1: [often]"))
            let spec = try await server.kubectl(
                "get", "deploy", "web", "-n", "typed", "-o",
                "jsonpath={.spec.replicas} {.spec.template.spec.containers[0].ports}")
            #expect(spec == #"3 [{"containerPort":80,"protocol":"TCP"}]"#)
            let run = try await server.kubectl("run", "one", "--image=nginx", "--env=A=b", "-n", "typed")
            #expect(run == "pod/one created")
        }

        @Test func `scale, set, rollout and autoscale change what is kept`() async throws {
            let server = try await server("changing")
            func kubectl(_ arguments: String...) async throws -> String {
                let output = try await server.tryKubectl(arguments + ["-n", "changing"])
                return (output.out + Self.warnings(output.err)).trimmingCharacters(in: .newlines)
            }
            #expect(
                try await kubectl("create", "deployment", "web", "--image=nginx:1") == "deployment.apps/web created")
            #expect(try await kubectl("scale", "deploy/web", "--replicas=4") == "deployment.apps/web scaled")
            #expect(
                try await kubectl("scale", "deploy/web", "--replicas=5", "--current-replicas=9")
                    == "error: Expected replicas to be 9, was 4")
            #expect(
                try await kubectl("set", "image", "deploy/web", "nginx=nginx:2") == "deployment.apps/web image updated")
            #expect(
                try await kubectl("set", "resources", "deploy/web", "--limits=cpu=200m")
                    == "deployment.apps/web resource requirements updated")
            #expect(
                try await kubectl("set", "env", "deploy/web", "A=b") == "deployment.apps/web env updated")
            #expect(try await kubectl("rollout", "restart", "deploy/web") == "deployment.apps/web restarted")
            #expect(try await kubectl("rollout", "pause", "deploy/web") == "deployment.apps/web paused")
            #expect(try await kubectl("rollout", "resume", "deploy/web") == "deployment.apps/web resumed")
            // Nobody has seen the change, so nothing is known of it.
            #expect(
                try await kubectl("rollout", "status", "deploy/web", "--watch=false")
                    == "Waiting for deployment spec update to be observed...")
            #expect(try await kubectl("rollout", "history", "deploy/web").contains("No rollout history found."))
            #expect(
                try await kubectl("autoscale", "deploy", "web", "--min=2", "--max=6", "--cpu-percent=70")
                    == "horizontalpodautoscaler.autoscaling/web autoscaled")
            let autoscaler = try await kubectl("get", "hpa", "web")
            #expect(autoscaler.contains("Deployment/web") && autoscaler.contains("cpu: <unknown>/70%"), "\(autoscaler)")
            let shown = try await kubectl(
                "get", "deploy", "web", "-o",
                "jsonpath={.metadata.generation} {.spec.replicas} {.spec.template.spec.containers[0].image}")
            #expect(shown == "8 4 nginx:2")
            let scale = try await kubectl("get", "deploy", "web", "--subresource=scale")
            #expect(scale.split(separator: "\n")[1].split(separator: " ").prefix(3) == ["web", "4", "0"])
            #expect(try await kubectl("expose", "deploy/web", "--port=80") == "service/web exposed")
        }

        @Test func `all lists workloads with Kubernetes' columns`() async throws {
            let server = try await server("columns")
            _ = try await server.kubectl("apply", "-n", "columns", "-f", Self.chart)
            func header(_ kinds: String) async throws -> [Substring] {
                try await server.kubectl("get", kinds, "-n", "columns", "-o", "wide").split(separator: "\n")[0]
                    .split(separator: " ")
            }
            #expect(
                try await header("deploy") == [
                    "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR",
                ])
            #expect(try await header("sts") == ["NAME", "READY", "AGE", "CONTAINERS", "IMAGES"])
            #expect(
                try await header("jobs") == [
                    "NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE", "CONTAINERS", "IMAGES", "SELECTOR",
                ])
            #expect(
                try await header("cj") == [
                    "NAME", "SCHEDULE", "TIMEZONE", "SUSPEND", "ACTIVE", "LAST", "SCHEDULE", "AGE", "CONTAINERS",
                    "IMAGES", "SELECTOR",
                ])
            #expect(
                try await header("pdb") == [
                    "NAME", "MIN", "AVAILABLE", "MAX", "UNAVAILABLE", "ALLOWED", "DISRUPTIONS", "AGE",
                ])
            #expect(try await header("netpol") == ["NAME", "POD-SELECTOR", "AGE"])
            let all = try await server.kubectl("get", "all", "-n", "columns")
            for kind in [
                "deployment.apps", "statefulset.apps", "daemonset.apps", "job.batch", "cronjob.batch", "service",
            ] {
                #expect(all.contains("\(kind)/shop-"), "\(kind)")
            }
            let fields = try await server.kubectl("explain", "deployment.spec.strategy.rollingUpdate")
            #expect(fields.contains("maxSurge") && fields.contains("<IntOrString>"))
        }

        @Test func `what needs containers says so`() async throws {
            let server = try await server("containers")
            try await server.kubectl("run", "one", "--image=nginx", "-n", "containers")
            let logs = try await server.kubectlError("logs", "one", "-n", "containers")
            #expect(logs.contains("(NotImplemented)") && logs.contains("this server runs no containers"), "\(logs)")
            let exec = try await server.kubectlError("exec", "one", "-n", "containers", "--", "ls")
            #expect(exec.contains("this server runs no containers"), "\(exec)")
            let forward = try await server.kubectlError("port-forward", "pod/one", "18080:80", "-n", "containers")
            #expect(!forward.isEmpty)
            let missing = try await server.kubectlError("logs", "none", "-n", "containers")
            #expect(missing.contains("pods \"none\" not found"))
            try await server.kubectl("create", "serviceaccount", "robot", "-n", "containers")
            let token = try await server.kubectlError("create", "token", "robot", "-n", "containers")
            #expect(token.contains("this server issues no tokens"), "\(token)")
        }
    }
}
