import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of autoscalers") struct AutoscalerStrategyTests {
    static func autoscaler(_ fields: [String: JSONValue] = [:]) -> JSONValue {
        var spec: JSONObject = ["maxReplicas": 3, "scaleTargetRef": ["kind": "Deployment", "name": "web"]]
        for (key, value) in fields { spec[key] = value }
        return ["metadata": ["name": "web"], "spec": .object(spec)]
    }

    static let cases: [RefusalCase] = [
        RefusalCase("good", autoscaler()),
        RefusalCase(
            "numbers and names",
            autoscaler(["minReplicas": 5, "maxReplicas": 0, "scaleTargetRef": ["kind": "Deployment"]]),
            "spec.maxReplicas: Invalid value: 0: must be greater than 0",
            "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
            "spec.scaleTargetRef.name: Required value"),
        RefusalCase(
            "metrics",
            autoscaler([
                "metrics": [
                    ["type": "Odd"], ["type": "Pods"],
                    ["type": "Resource", "resource": ["name": "cpu", "target": ["type": "Utilization"]]],
                    [
                        "type": "External",
                        "external": ["metric": ["name": "q"], "target": ["type": "Value", "value": "0"]],
                    ],
                ]
            ]),
            "spec.metrics[0].type: Unsupported value: \"Odd\": supported values: \"ContainerResource\", \"External\", "
                + "\"Object\", \"Pods\", \"Resource\"",
            "spec.metrics[1].pods: Required value: must populate information for the given metric source",
            "spec.metrics[2].resource.target.averageUtilization: Required value: must set either a target raw value or a "
                + "target utilization",
            "spec.metrics[3].external.target.value: Invalid value: \"0\": must be positive"),
        RefusalCase(
            "behaviour",
            autoscaler([
                "behavior": [
                    "scaleUp": ["policies": [["type": "Odd", "value": 0, "periodSeconds": 1801]]],
                    "scaleDown": ["stabilizationWindowSeconds": 3601],
                ]
            ]),
            "spec.behavior.scaleUp.policies[0].type: Unsupported value: \"Odd\": supported values: \"Percent\", \"Pods\"",
            "spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero",
            "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
            "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600"
        ),
    ]

    @Test(arguments: cases)
    func `an autoscaler is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(HorizontalPodAutoscalerStrategy())
    }

    @Test func `what the first version has no field for comes back from it`() throws {
        let memory: JSONValue = [
            "type": "Resource",
            "resource": ["name": "memory", "target": ["type": "AverageValue", "averageValue": "1Gi"]],
        ]
        var object = Self.autoscaler([
            "metrics": [AutoscalerForms.defaultMetrics[0] ?? .null, memory],
            "behavior": ["scaleUp": ["selectPolicy": "Min"]],
        ])
        object["apiVersion"] = "autoscaling/v2"
        let served = AutoscalerForms.served(object)
        #expect(served["spec"]["targetCPUUtilizationPercentage"] == 80 && served["spec"]["metrics"] == nil)
        #expect(served["apiVersion"] == "autoscaling/v1")
        #expect(AutoscalerForms.stored(served) == object)
    }
}
