import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// Pods come to their end through the real processes.
    @Suite("Pods end", .serialized) struct PodDeletionTests {
        @Test func `a deleted Pod drains, and kubectl waits for it`() async throws {
            let family = try await Family.start()
            do { try await drains(family) } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        private func drains(_ family: Family) async throws {
            let server = family.server
            let backend = try await family.backend("one", on: "127.0.23.1")
            defer { backend.program.signal(SIGTERM) }
            let pod = backend.pod(labels: "app: drain")
                .replacing("spec:\n", with: "spec:\n  nodeName: edge\n  terminationGracePeriodSeconds: 5\n")
            let service = """
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: drain}
                spec:
                  selector: {app: drain}
                  ports: [{name: http, port: 8000, targetPort: http}]

                """
            try await family.apply(pod + service)
            try await server.kubectl("wait", "--for=condition=Ready", "pod/one", "--timeout=30s")
            let address = try await server.kubectl("get", "svc", "drain", "-o", "jsonpath={.spec.clusterIP}")
            try await eventually(within: .seconds(20), "an answer") {
                try await family.curl("http://\(address):8000/") != nil
            }
            let deleting = try Program(
                "kubectl", ["delete", "pod", "one"], environment: server.clientEnvironment)
            try await eventually(within: .seconds(10), "a terminating endpoint") {
                let text = try await server.kubectl(
                    "get", "endpointslice", "-l", "kubernetes.io/service-name=drain", "-o",
                    "jsonpath={.items[0].endpoints[0].conditions}")
                let conditions = try? JSONParser.parse(Array(text.utf8))
                return conditions == ["ready": false, "serving": true, "terminating": true]
            }
            // Nobody else is there: the terminating endpoint still gets the traffic.
            #expect(try await family.curl("http://\(address):8000/")?.hasPrefix("one answers") == true)
            #expect(deleting.isRunning)
            #expect(try await deleting.ended().succeeded)
            #expect(try await server.kubectlError("get", "pod", "one").contains("(NotFound)"))
            try await eventually(within: .seconds(10), "no endpoint") {
                try await server.kubectl(
                    "get", "endpointslice", "-l", "kubernetes.io/service-name=drain", "-o",
                    "jsonpath={.items[*].endpoints[*].addresses[0]}") == ""
            }

            // A Pod on a node that nobody serves is removed all the same.
            try await family.apply(
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: lost}
                spec:
                  nodeName: nowhere
                  containers: [{name: c, image: i}]

                """)
            try await server.kubectl("delete", "pod", "lost", "--timeout=20s")
        }
    }
}
