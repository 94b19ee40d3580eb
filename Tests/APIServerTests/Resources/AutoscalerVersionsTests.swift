import KubeModel
import Testing

@testable import APIServer

@Suite("The versions of autoscalers") struct AutoscalerVersionsTests {
    @Test func `both versions show one object`() async throws {
        let server = try await TestServer()
        let collection = "namespaces/default/horizontalpodautoscalers"
        let object: JSONValue = [
            "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": ["name": "web"],
            "spec": [
                "maxReplicas": 3, "scaleTargetRef": ["kind": "Deployment", "name": "web"],
                "targetCPUUtilizationPercentage": 50,
            ],
        ]
        let created = await server.send("POST", "/apis/autoscaling/v1/\(collection)", object)
        #expect(created.status == 201 && created.json["spec"]["minReplicas"] == 1, "\(created.message)")
        let second = await server.send("GET", "/apis/autoscaling/v2/\(collection)/web")
        #expect(second.json["apiVersion"] == "autoscaling/v2")
        #expect(second.json["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50)
        let table = await server.send(
            "GET", "/apis/autoscaling/v1/\(collection)", accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
        #expect(table.json["rows"][0]["cells"].array?.prefix(3) == ["web", "Deployment/web", "cpu: <unknown>/50%"])
        let group = await server.send("GET", "/apis/autoscaling")
        #expect(group.json["preferredVersion"]["version"] == "v2")
    }
}
