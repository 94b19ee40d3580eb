import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// kubectl, the API server and the garbage collector as processes of their own.
    @Suite("Garbage collection on the wire", .serialized, .martlet("apiserver")) struct GarbageCollectionTests {
        /// Runs a test while a garbage collector works.
        private func collecting(_ namespace: String, _ body: (MartletServer) async throws -> Void) async throws {
            let server = try suiteServer()
            try await server.makeNamespace(namespace)
            let collector = try Program(
                server.binary,
                [
                    "controller", "garbage-collector", "--no-leader-elect", "--kubeconfig",
                    server.file("admin.kubeconfig"),
                ])
            do {
                try await body(server)
            } catch {
                await collector.stop()
                throw error
            }
            await collector.stop()
        }

        /// Creates a ConfigMap that another one owns.
        private func own(
            _ server: MartletServer, _ namespace: String, _ name: String, by owner: String,
            kind: String = "ConfigMap", resource: String = "configmap", finalizers: String = ""
        ) async throws {
            let uid = try await server.kubectl(
                "get", resource, owner, "-n", namespace, "-o", "jsonpath={.metadata.uid}")
            try await server.kubectl(
                "create", "-f", "-",
                input: """
                    apiVersion: v1
                    kind: ConfigMap
                    metadata:
                      name: \(name)
                      namespace: \(namespace)
                      finalizers: [\(finalizers)]
                      ownerReferences:
                      - {apiVersion: v1, kind: \(kind), name: \(owner), uid: \(uid), blockOwnerDeletion: true}
                    """)
        }

        private func names(_ server: MartletServer, _ namespace: String) async throws -> String {
            try await server.kubectl("get", "configmaps", "-n", namespace, "-o", "jsonpath={.items[*].metadata.name}")
        }

        @Test func `each cascade of kubectl does what it says`() async throws {
            try await collecting("cascade") { server in
                // Background: a Service takes a chain of ConfigMaps along.
                try await server.kubectl("create", "service", "clusterip", "web", "-n", "cascade", "--tcp=80")
                try await own(server, "cascade", "first", by: "web", kind: "Service", resource: "service")
                try await own(server, "cascade", "second", by: "first")
                try await server.kubectl("delete", "service", "web", "-n", "cascade")
                try await eventually("the chain to go") { try await names(server, "cascade") == "" }

                // Foreground: kubectl waits, and when it returns everything is gone.
                try await server.kubectl("create", "configmap", "top", "-n", "cascade")
                try await own(server, "cascade", "middle", by: "top")
                try await own(server, "cascade", "bottom", by: "middle")
                try await server.kubectl("delete", "configmap", "top", "-n", "cascade", "--cascade=foreground")
                #expect(try await names(server, "cascade") == "")

                // Orphan: the dependent stays, without its reference.
                try await server.kubectl("create", "configmap", "parent", "-n", "cascade")
                try await own(server, "cascade", "child", by: "parent")
                try await server.kubectl("delete", "configmap", "parent", "-n", "cascade", "--cascade=orphan")
                #expect(try await names(server, "cascade") == "child")
                let owners = try await server.kubectl(
                    "get", "configmap", "child", "-n", "cascade", "-o", "jsonpath={.metadata.ownerReferences}")
                #expect(owners == "")
            }
        }

        @Test func `circles and owners that never were`() async throws {
            try await collecting("circles") { server in
                try await server.kubectl("create", "configmap", "a", "-n", "circles")
                try await own(server, "circles", "b", by: "a")
                let uid = try await server.kubectl(
                    "get", "configmap", "b", "-n", "circles", "-o", "jsonpath={.metadata.uid}")
                let owner =
                    #"{"apiVersion":"v1","kind":"ConfigMap","name":"b","uid":"\#(uid)","blockOwnerDeletion":true}"#
                try await server.kubectl(
                    "patch", "configmap", "a", "-n", "circles", "-p",
                    #"{"metadata":{"ownerReferences":[\#(owner)]}}"#)
                try await server.kubectl("delete", "configmap", "a", "-n", "circles", "--cascade=foreground")
                try await eventually("the circle to go") { try await names(server, "circles") == "" }
                try await server.kubectl(
                    "create", "-n", "circles", "-f", "-",
                    input: """
                        apiVersion: v1
                        kind: ConfigMap
                        metadata:
                          name: stray
                          ownerReferences: [{apiVersion: v1, kind: Secret, name: never, uid: was-there}]
                        ---
                        apiVersion: v1
                        kind: ConfigMap
                        metadata:
                          name: unknown
                          ownerReferences: [{apiVersion: example.com/v1, kind: Widget, name: never, uid: was-there}]
                        """)
                try await eventually("the stray to go") { try await names(server, "circles") == "unknown" }
            }
        }

        @Test func `an owner in another namespace is reported`() async throws {
            try await collecting("here") { server in
                try await server.makeNamespace("there")
                try await server.kubectl("create", "configmap", "owner", "-n", "there")
                let uid = try await server.kubectl(
                    "get", "configmap", "owner", "-n", "there", "-o", "jsonpath={.metadata.uid}")
                try await server.kubectl(
                    "create", "-n", "here", "-f", "-",
                    input: """
                        apiVersion: v1
                        kind: ConfigMap
                        metadata:
                          name: lost
                          ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: owner, uid: \(uid)}]
                        """)
                try await eventually("the dependent to go") { try await names(server, "here") == "" }
                try await eventually("an Event about it") {
                    try await server.kubectl("get", "events", "-n", "here").contains("OwnerRefInvalidNamespace")
                }
                #expect(try await names(server, "there") == "owner")
            }
        }

        @Test func `a namespace tells what keeps it`() async throws {
            let server = try suiteServer()
            try await server.makeNamespace("leaving")
            try await server.kubectl(
                "create", "-n", "leaving", "-f", "-",
                input: """
                    apiVersion: v1
                    kind: ConfigMap
                    metadata: {name: held, finalizers: [example.com/hold]}
                    """)
            try await server.kubectl("delete", "namespace", "leaving", "--wait=false")
            try await server.kubectl(
                "wait", "namespace/leaving", "--for=condition=NamespaceFinalizersRemaining", "--timeout=20s")
            let description = try await server.kubectl("describe", "namespace", "leaving")
            #expect(description.contains("Terminating"))
            #expect(description.contains("configmaps. has 1 resource instances"))
            #expect(description.contains("example.com/hold in 1 resource instances"))
            try await server.kubectl(
                "patch", "configmap", "held", "-n", "leaving", "--type=merge", "-p",
                #"{"metadata":{"finalizers":null}}"#)
            try await server.kubectl("wait", "namespace/leaving", "--for=delete", "--timeout=20s")
        }
    }
}
