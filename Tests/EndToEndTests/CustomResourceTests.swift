import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// CustomResourceDefinitions and their objects with kubectl.
    @Suite("Custom resources", .serialized, .martlet("apiserver")) struct CustomResourceTests {
        private static let crontabs = """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: crontabs.stable.example.com}
            spec:
              group: stable.example.com
              scope: Namespaced
              names: {kind: CronTab, plural: crontabs, shortNames: [ct], categories: [all]}
              versions:
              - name: v1beta1
                served: true
                storage: false
                deprecated: true
                schema: {openAPIV3Schema: &schema
                  {type: object, properties: {
                    spec: {type: object, required: [schedule], description: What runs when., properties: {
                      schedule: {type: string, pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$', description: In the form of cron.},
                      image: {type: string},
                      replicas: {type: integer, minimum: 1, maximum: 10, default: 1}}},
                    status: {type: object, properties: {replicas: {type: integer}, selector: {type: string}}}}}}
                subresources: &subresources
                  status: {}
                  scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
              - name: v1
                served: true
                storage: true
                schema: {openAPIV3Schema: *schema}
                subresources: *subresources
                selectableFields: [{jsonPath: .spec.image}]
                additionalPrinterColumns:
                - {name: Schedule, type: string, jsonPath: .spec.schedule}
                - {name: Replicas, type: integer, jsonPath: .spec.replicas}
                - {name: Image, type: string, jsonPath: .spec.image, priority: 1}
            """

        private static func crontab(_ name: String, _ spec: String) -> String {
            """
            apiVersion: stable.example.com/v1
            kind: CronTab
            metadata: {name: \(name)}
            spec: {\(spec)}
            """
        }

        @Test func `a definition and its objects live as they do in Kubernetes`() async throws {
            let server = try suiteServer()
            let namespace = "custom"
            try await server.makeNamespace(namespace)
            func kubectl(_ arguments: String..., input: String? = nil) async throws -> String {
                let output = try await server.tryKubectl(["-n", namespace] + arguments, input: input)
                try #require(output.succeeded, "\(arguments): \(output)")
                return output.out.trimmingCharacters(in: .newlines)
            }
            #expect(
                try await kubectl("apply", "-f", "-", input: Self.crontabs)
                    == "customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com created")
            _ = try await kubectl(
                "wait", "--for=condition=Established", "crd/crontabs.stable.example.com", "--timeout=20s")
            #expect(
                try await kubectl("create", "-f", "-", input: Self.crontab("one", "schedule: '* * * * */5', image: a"))
                    == "crontab.stable.example.com/one created")
            _ = try await kubectl("create", "-f", "-", input: Self.crontab("two", "schedule: '1 * * * *', image: b"))
            let table = try await kubectl("get", "ct")
            #expect(table.hasPrefix("NAME   SCHEDULE      REPLICAS\none    * * * * */5   1"), "\(table)")
            #expect(try await kubectl("get", "ct", "-o", "wide").contains("IMAGE"))
            #expect(
                try await kubectl("get", "ct", "--field-selector", "spec.image=b", "-o", "name")
                    == "crontab.stable.example.com/two")
            #expect(try await kubectl("get", "all").contains("crontab.stable.example.com/one"))
            #expect(
                try await kubectl("get", "crontabs.v1beta1.stable.example.com", "one", "-o", "jsonpath={.apiVersion}")
                    == "stable.example.com/v1beta1")
            _ = try await kubectl("scale", "ct/one", "--replicas=3")
            #expect(
                try await kubectl("get", "ct", "one", "-o", "jsonpath={.spec.replicas} {.metadata.generation}") == "3 2"
            )
            _ = try await kubectl("patch", "ct", "one", "--type=merge", "-p", #"{"spec":{"image":"c"}}"#)
            let refused = try await server.kubectlError(
                "create", "-n", namespace, "-f", "-", input: Self.crontab("three", "schedule: often, replicas: 11"))
            #expect(refused.contains("spec.schedule in body should match"))
            #expect(refused.contains("spec.replicas in body should be less than or equal to 10"))
            let explained = try await kubectl("explain", "crontab.spec.schedule")
            #expect(explained.contains("In the form of cron."))
            #expect(
                try await kubectl("api-resources", "--api-group=stable.example.com", "-o", "name")
                    == "crontabs.stable.example.com")
            _ = try await kubectl("delete", "crd", "crontabs.stable.example.com", "--timeout=30s")
            // kubectl may remember the kind, but not the server.
            let gone = try await server.kubectlError("get", "ct", "-n", namespace)
            #expect(
                gone.contains("the server doesn't have a resource type")
                    || gone.contains("the server could not find the requested resource"), "\(gone)")
        }
    }
}
