import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

/// What CustomResourceDefinitions are refused for, with the words that clients of Kubernetes know.
@Suite("Definitions that are refused") struct DefinitionValidationTests {
    private typealias Samples = CustomResourceSamples

    private static func definition(_ change: (inout JSONValue) -> Void) -> JSONValue {
        var definition = Samples.crontabs()
        change(&definition)
        let strategy = CustomResourceDefinitionStrategy()
        strategy.prepareForCreate(&definition, context)
        return definition
    }

    private static let context = StrategyContext(namespace: "", name: "", now: Timestamp(secondsSinceEpoch: 0))

    private static func errors(_ change: (inout JSONValue) -> Void) -> [String] {
        CustomResourceDefinitionStrategy().validateCreate(definition(change), context).map(\.message)
    }

    /// The schema of the one version, changed.
    private static func schemaErrors(_ schema: JSONValue, status: Bool = false) -> [String] {
        errors { definition in
            var version = Samples.version("v1", status: status ? ["type": "object"] : nil)
            version["schema"]["openAPIV3Schema"] = schema
            definition["spec"]["versions"] = [version]
        }.map { $0.replacing("spec.versions[0].schema.openAPIV3Schema", with: "$") }
    }

    @Test func aPlainDefinitionIsFine() {
        #expect(Self.errors { _ in } == [])
    }

    @Test(
        arguments: [
            (
                ["metadata", "name"], "wrong",
                "metadata.name: Invalid value: \"wrong\": must be spec.names.plural+\".\"+spec.group"
            ),
            (
                ["spec", "scope"], "Galaxy",
                "spec.scope: Unsupported value: \"Galaxy\": supported values: \"Cluster\", \"Namespaced\""
            ),
            (
                ["spec", "names", "listKind"], "CronTab",
                "spec.names.listKind: Invalid value: \"CronTab\": kind and listKind may not be the same"
            ),
            (
                ["spec", "preserveUnknownFields"], true,
                "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set "
                    + "x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
            ),
            (
                ["spec", "conversion"], ["strategy": "Later"],
                "spec.conversion.strategy: Unsupported value: \"Later\": supported values: \"None\", \"Webhook\""
            ),
            (
                ["spec", "versions"], [Samples.version("v1", storage: false)],
                "spec.versions: Invalid value: [\"v1\"]: must have exactly one version marked as storage version"
            ),
            (
                ["spec", "versions"], [Samples.version("v1"), Samples.version("v1", storage: false)],
                "spec.versions: Invalid value: [\"v1\",\"v1\"]: must contain unique version names"
            ),
            (
                ["spec", "versions"], [["name": "v1", "served": true, "storage": true]],
                "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required"
            ),
            (
                ["spec", "versions"], [Samples.version("v1", extra: ["deprecationWarning": "old"])],
                "spec.versions[0].deprecationWarning: Invalid value: \"old\": can only be set for deprecated versions"
            ),
            (
                ["spec", "versions"],
                [
                    Samples.version(
                        "v1", extra: ["additionalPrinterColumns": [["name": "A", "type": "text", "jsonPath": ".a"]]])
                ],
                "spec.versions[0].additionalPrinterColumns[0].type: Invalid value: \"text\": must be one of "
                    + "boolean,date,integer,number,string"
            ),
            (
                ["spec", "versions"], [Samples.version("v1", extra: ["selectableFields": [["jsonPath": ".spec.no"]]])],
                "spec.versions[0].selectableFields[0].jsonPath: Invalid value: \".spec.no\": is an invalid path: does not "
                    + "refer to a valid field"
            ),
            (
                ["spec", "versions"], [Samples.version("v1", extra: ["selectableFields": [["jsonPath": ".spec"]]])],
                "spec.versions[0].selectableFields[0].jsonPath: Invalid value: \".spec\": must point to a field of type "
                    + "string, boolean or integer. Enum string fields and strings with formats are allowed."
            ),
            (
                ["spec", "versions"],
                [
                    Samples.version(
                        "v1",
                        extra: [
                            "subresources": [
                                "scale": ["specReplicasPath": ".status.a", "statusReplicasPath": ".status.b"]
                            ]
                        ])
                ],
                "spec.versions[0].subresources.scale.specReplicasPath: Invalid value: \".status.a\": should be a json path "
                    + "under .spec"
            ),
        ] as [([String], JSONValue, String)])
    func aBrokenRuleIsNamed(_ path: [String], _ value: JSONValue, _ message: String) {
        let found = Self.errors { definition in Self.set(value, at: path[...], in: &definition) }
        #expect(found.contains(message), "\(found)")
    }

    private static func set(_ value: JSONValue, at path: ArraySlice<String>, in object: inout JSONValue) {
        guard let key = path.first else {
            object = value
            return
        }
        var member = object[key] ?? [:]
        set(value, at: path.dropFirst(), in: &member)
        object[key] = member
    }

    @Test(
        arguments: [
            (
                ["type": "array", "items": ["type": "string"]],
                "$.type: Invalid value: \"array\": must be object at the root"
            ),
            (
                ["type": "object", "properties": ["a": [:]]],
                "$.properties[a].type: Required value: must not be empty for specified object fields"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "array"]]],
                "$.properties[a].items: Required value: must be specified"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "array", "items": [:]]]],
                "$.properties[a].items.type: Required value: must not be empty for specified array items"
            ),
            (
                [
                    "type": "object",
                    "properties": ["metadata": ["type": "object", "properties": ["labels": ["type": "object"]]]],
                ],
                "$.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata "
                    + "is implicitly specified"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string", "anyOf": [["type": "string"]]]]],
                "$.properties[a].anyOf[0].type: Forbidden: must be empty to be structural"
            ),
            (
                ["type": "object", "anyOf": [["properties": ["a": ["minLength": 1]]]]],
                "$.properties[a]: Required value: because it is defined in $.anyOf[0].properties[a]"
            ),
            (
                [
                    "type": "object",
                    "properties": [
                        "a": ["type": "string", "pattern": .string(String(repeating: "(", count: 50_000))]
                    ],
                ],
                "$.properties[a].pattern: Invalid value: \"\(String(repeating: "(", count: 50_000))\": must be a valid regular "
                    + "expression, but isn't: expression nests too deeply"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string", "pattern": "("]]],
                "$.properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: "
            ),
            (
                [
                    "type": "object",
                    "properties": ["a": ["type": "array", "uniqueItems": true, "items": ["type": "string"]]],
                ],
                "$.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity "
                    + "becomes quadratic"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string", "default": 3]]],
                "$.properties[a].default: Invalid value: \"integer\": $.properties[a].default in body must be of type string: "
                    + "\"integer\""
            ),
            (
                [
                    "type": "object",
                    "properties": [
                        "a": ["type": "object", "default": ["b": 1], "properties": ["c": ["type": "integer"]]]
                    ],
                ], "$.properties[a].default: Invalid value: {\"b\":1}: must not have unknown fields"
            ),
            (
                [
                    "type": "object",
                    "properties": [
                        "a": [
                            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                            "items": ["type": "object", "properties": ["k": ["type": "string"]]],
                        ]
                    ],
                ],
                "$.properties[a].items.properties[k].default: Required value: this property is in "
                    + "x-kubernetes-list-map-keys, so it must have a default or be a required property"
            ),
            (
                [
                    "type": "object",
                    "properties": [
                        "a": ["type": "array", "x-kubernetes-list-type": "map", "items": ["type": "object"]]
                    ],
                ],
                "$.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "object", "additionalProperties": false]]],
                "$.properties[a].additionalProperties: Forbidden: additionalProperties cannot be set to false"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "object", "x-kubernetes-embedded-resource": true]]],
                "$.properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true "
                    + "without x-kubernetes-preserve-unknown-fields"
            ),
            (
                [
                    "type": "object",
                    "properties": [
                        "a": ["x-kubernetes-int-or-string": true, "x-kubernetes-preserve-unknown-fields": true]
                    ],
                ],
                "$.properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if "
                    + "x-kubernetes-int-or-string is true"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "text"]]],
                "$.properties[a].type: Unsupported value: \"text\": supported values: \"array\", \"boolean\", \"integer\", "
                    + "\"number\", \"object\", \"string\""
            ),
            (
                ["type": "object", "properties": ["a": ["$ref": "#/definitions/x"]]],
                "$.properties[a].$ref: Forbidden: $ref is not supported"
            ),
            (
                ["type": "object", "properties": "none"],
                "$.properties: Invalid value: \"string\": must be of type object"
            ),
        ] as [(JSONValue, String)])
    func aSchemaThatIsNotStructuralIsRefused(_ schema: JSONValue, _ message: String) {
        let found = Self.schemaErrors(schema)
        #expect(found.contains { $0.hasPrefix(message) }, "\(found)")
    }

    @Test func withTheStatusSubresourceTheRootSaysLittle() {
        let found = Self.schemaErrors(["type": "object", "minProperties": 1], status: true)
        #expect(found.contains { $0.contains("fields are allowed at the root of the schema") }, "\(found)")
    }

    @Test(
        arguments: [
            (
                nil,
                "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval"
            ),
            (
                "yes",
                "metadata.annotations[api-approved.kubernetes.io]: Invalid value: \"yes\": protected groups must have"
            ),
            ("https://github.com/kubernetes/enhancements/pull/1111", nil), ("unapproved, a test", nil),
        ] as [(String?, String?)])
    func groupsOfKubernetesNeedAnApproval(_ annotation: String?, _ message: String?) {
        let found = Self.errors { definition in
            definition = Samples.definition("x.k8s.io", "Thing", "things", versions: [Samples.version("v1")])
            if let annotation {
                definition["metadata"]["annotations"] = ["api-approved.kubernetes.io": .string(annotation)]
            }
        }
        if let message { #expect(found.contains { $0.hasPrefix(message) }, "\(found)") } else { #expect(found == []) }
    }

    @Test func namesAndScopeStayAndStoredVersionsAreKept() {
        var old = Self.definition { _ in }
        old["status"]["conditions"] = [["type": "Established", "status": "True"]]
        var new = old
        new["spec"]["scope"] = "Cluster"
        new["spec"]["names"]["kind"] = "Other"
        new["spec"]["versions"] = [Samples.version("v2")]
        let strategy = CustomResourceDefinitionStrategy()
        strategy.prepareForUpdate(&new, from: old, Self.context)
        #expect(new["status"]["storedVersions"] == ["v1", "v2"])
        let found = strategy.validateUpdate(new, from: old, Self.context).map(\.message)
        #expect(found.contains("spec.scope: Invalid value: \"Cluster\": field is immutable"))
        #expect(found.contains("spec.names.kind: Invalid value: \"Other\": field is immutable"))
        #expect(found.contains("status.storedVersions[0]: Invalid value: \"v1\": must appear in spec.versions"))
    }
}
