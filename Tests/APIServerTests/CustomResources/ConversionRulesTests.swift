import KubeModel
import Testing

@testable import APIResources

/// What `spec.conversion` may say, with Kubernetes' paths, which are those of its internal version.
@Suite("Conversions that definitions ask for") struct ConversionRulesTests {
    private static func errors(_ conversion: JSONValue, replacing old: JSONValue? = nil) -> [String] {
        var errors: [FieldError] = []
        ConversionRules.check(conversion, replacing: old, FieldPath("spec", "conversion"), &errors)
        return errors.map(\.message)
    }

    private static func webhook(_ client: JSONValue?, versions: JSONValue = ["v1"]) -> JSONValue {
        var webhook: JSONValue = ["conversionReviewVersions": versions]
        webhook["clientConfig"] = client
        return ["strategy": "Webhook", "webhook": webhook]
    }

    private static let service: JSONValue = ["service": ["name": "converter", "namespace": "default"]]

    @Test func aWebhookBehindAServiceOrAnAddressIsFine() {
        #expect(Self.errors(["strategy": "None"]) == [])
        #expect(Self.errors(Self.webhook(Self.service)) == [])
        #expect(Self.errors(Self.webhook(["url": "https://converter.example.com/convert"])) == [])
        #expect(Self.errors(Self.webhook(Self.service, versions: ["v7", "v1beta1"])) == [])
    }

    @Test func whatIsMissingOrTooMuchIsNamed() {
        #expect(
            Self.errors(["strategy": "Webhook"]) == [
                "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
                "spec.conversion.conversionReviewVersions: Required value",
            ])
        #expect(
            Self.errors(Self.webhook([:])) == [
                "spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required"
            ])
        var conversion = Self.webhook(Self.service)
        conversion["strategy"] = "None"
        let detail = "Forbidden: should not be set when strategy is not set to Webhook"
        #expect(
            Self.errors(conversion) == [
                "spec.conversion.webhookClientConfig: \(detail)", "spec.conversion.conversionReviewVersions: \(detail)",
            ])
        #expect(Self.errors([:]) == ["spec.conversion.strategy: Required value"])
    }

    @Test func reviewVersionsAreNamesThatOccurOnceAndOneIsKnown() {
        #expect(
            Self.errors(Self.webhook(Self.service, versions: ["v9", "v9"])) == [
                "spec.conversion.conversionReviewVersions[1]: Invalid value: \"v9\": duplicate version",
                "spec.conversion.conversionReviewVersions: Invalid value: [\"v9\",\"v9\"]: must include at least one of v1, "
                    + "v1beta1",
            ])
        #expect(Self.errors(Self.webhook(Self.service, versions: ["v1", "V2"])).count == 1)
        // What was never known may stay so.
        let old: JSONValue = ["spec": ["conversion": Self.webhook(Self.service, versions: ["v9"])]]
        #expect(Self.errors(Self.webhook(Self.service, versions: ["v8"]), replacing: old) == [])
    }

    @Test func aBundleIsLookedAtOnceTheDefinitionIsEstablished() {
        var client = Self.service
        client["caBundle"] = "Cg=="
        #expect(Self.errors(Self.webhook(client)) == [])
        var old: JSONValue = [
            "spec": ["conversion": Self.webhook(Self.service)],
            "status": ["conditions": [["type": "Established", "status": "True"]]],
        ]
        #expect(
            Self.errors(Self.webhook(client), replacing: old) == [
                "spec.conversion.webhookClientConfig.caBundle: Invalid value: \"Cg==\": unable to load root certificates: "
                    + "unable to parse bytes as PEM block"
            ])
        old["spec"] = ["conversion": Self.webhook(client)]
        #expect(Self.errors(Self.webhook(client), replacing: old) == [])
    }
}
