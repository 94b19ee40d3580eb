import KubeModel
import Testing

@testable import Patching

/// Which paths a document has, and which differ between two.
@Suite("Ownership of fields") struct OwnershipTests {
    static let schema: Schema = {
        let text: JSONValue = ["type": "string"]
        let port: JSONValue = [
            "type": "object",
            "properties": [
                "port": ["type": "integer"], "protocol": ["type": "string", "default": "TCP"],
                "targetPort": ["x-kubernetes-int-or-string": true], "name": text,
            ],
        ]
        let schema: JSONValue = [
            "type": "object",
            "properties": [
                "apiVersion": text, "kind": text, "metadata": ["type": "object"],
                "spec": [
                    "type": "object", "default": [:],
                    "properties": [
                        "ports": [
                            "type": "array", "items": port, "x-kubernetes-list-type": "map",
                            "x-kubernetes-list-map-keys": ["port", "protocol"],
                        ],
                        "set": ["type": "array", "items": text, "x-kubernetes-list-type": "set"],
                        "list": ["type": "array", "items": text],
                        "selector": [
                            "type": "object", "additionalProperties": text, "x-kubernetes-map-type": "atomic",
                        ],
                        "map": ["type": "object", "additionalProperties": text],
                        "deep": ["type": "object", "properties": ["a": text, "b": text]],
                        "free": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
                        "text": text, "count": ["type": "integer"],
                    ],
                ],
                "data": ["type": "object", "additionalProperties": text],
            ],
        ]
        do { return try Schema(json: schema) } catch { preconditionFailure("\(error)") }
    }()

    static func text(_ set: FieldSet) -> String { String(decoding: set.fieldsV1, as: UTF8.self) }

    @Test(arguments: [
        (#"{"spec":{"text":"a","count":1}}"#, #"{"f:spec":{"f:count":{},"f:text":{}}}"#),
        (#"{"data":{"a":"1"}}"#, #"{"f:data":{"f:a":{}}}"#),
        (
            #"{"metadata":{"labels":{"a":"1"},"finalizers":["x"]}}"#,
            #"{"f:metadata":{"f:finalizers":{"v:\"x\"":{}},"f:labels":{"f:a":{}}}}"#
        ),
        (
            #"{"spec":{"ports":[{"port":80,"targetPort":"http"}]}}"#,
            #"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:targetPort":{}}}}}"#
        ),
        (#"{"spec":{"selector":{"a":"b"},"list":["a"]}}"#, #"{"f:spec":{"f:list":{},"f:selector":{}}}"#),
        (#"{"spec":{"set":["b","a"]}}"#, #"{"f:spec":{"f:set":{"v:\"a\"":{},"v:\"b\"":{}}}}"#),
        (#"{"spec":{"deep":{}}}"#, #"{"f:spec":{"f:deep":{}}}"#),
        (#"{"spec":{"free":{"x":{"y":[1,{"z":2}]}}}}"#, #"{"f:spec":{"f:free":{"f:x":{".":{},"f:y":{}}}}}"#),
        (#"{"data":{}}"#, #"{"f:data":{}}"#), (#"{"spec":{"ports":[]}}"#, "{}"),
        (#"{"spec":{"ports":null}}"#, #"{"f:spec":{"f:ports":{}}}"#),
    ])
    func `an applied configuration owns its leaves, entries and elements`(document: String, fields: String) throws {
        let value = try JSONParser.parse(Array(document.utf8))
        let set = FieldSet(applied: value, schema: Self.schema, hasZeroFields: true)
        #expect(Self.text(set) == fields)
    }

    @Test(arguments: [
        // old, new, added, modified, removed
        (#"{"spec":{"text":"a"}}"#, #"{"spec":{"text":"b"}}"#, "{}", #"{"f:spec":{"f:text":{}}}"#, "{}"),
        ("{}", #"{"spec":{"text":"a"}}"#, #"{"f:spec":{"f:text":{}}}"#, "{}", "{}"),
        ("{}", #"{"data":{"a":"1"}}"#, #"{"f:data":{".":{},"f:a":{}}}"#, "{}", "{}"),
        (#"{"data":{"a":"1"}}"#, "{}", "{}", "{}", #"{"f:data":{".":{},"f:a":{}}}"#),
        (#"{"data":{"a":"1"}}"#, #"{"data":{"b":"1"}}"#, #"{"f:data":{"f:b":{}}}"#, "{}", #"{"f:data":{"f:a":{}}}"#),
        (
            #"{"spec":{"ports":[{"port":80,"protocol":"TCP"}]}}"#,
            #"{"spec":{"ports":[{"port":81},{"port":80,"protocol":"TCP","name":"a"}]}}"#,
            #"{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{"f:name":{}},"k:{\"port\":81,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}"#,
            "{}", "{}"
        ),
        (
            #"{"spec":{"set":["a","b"]}}"#, #"{"spec":{"set":["b","c"]}}"#, #"{"f:spec":{"f:set":{"v:\"c\"":{}}}}"#,
            "{}", #"{"f:spec":{"f:set":{"v:\"a\"":{}}}}"#
        ),
        (#"{"spec":{"list":["a"]}}"#, #"{"spec":{"list":["b"]}}"#, "{}", #"{"f:spec":{"f:list":{}}}"#, "{}"),
        (
            #"{"spec":{"selector":{"a":"b"}}}"#, #"{"spec":{"selector":{"c":"d"}}}"#, "{}",
            #"{"f:spec":{"f:selector":{}}}"#, "{}"
        ),
        (#"{"spec":{"set":["a","b"]}}"#, #"{"spec":{"set":["b","a"]}}"#, "{}", "{}", "{}"),
        (
            #"{"spec":{"free":{"a":{"b":1}}}}"#, #"{"spec":{"free":{"a":[1]}}}"#, "{}",
            #"{"f:spec":{"f:free":{"f:a":{}}}}"#, #"{"f:spec":{"f:free":{"f:a":{"f:b":{}}}}}"#
        ),
        (#"{"spec":{"count":1}}"#, #"{"spec":{"count":1.0}}"#, "{}", "{}", "{}"),
        ("{}", #"{"spec":{}}"#, "{}", "{}", "{}"),
        (#"{"spec":{}}"#, #"{"spec":{"deep":{"a":"1"}}}"#, #"{"f:spec":{"f:deep":{".":{},"f:a":{}}}}"#, "{}", "{}"),
    ])
    func `a change is told path by path`(
        old: String, new: String, added: String, modified: String, removed: String
    ) throws {
        let comparison = FieldComparison(
            from: try JSONParser.parse(Array(old.utf8)), to: try JSONParser.parse(Array(new.utf8)),
            schema: Self.schema, hasZeroFields: true)
        #expect(Self.text(comparison.added) == added)
        #expect(Self.text(comparison.modified) == modified)
        #expect(Self.text(comparison.removed) == removed)
    }

    @Test func `a custom resource has no fields that nobody set`() throws {
        let comparison = FieldComparison(
            from: [:], to: ["metadata": ["name": "a"], "spec": ["text": "a"]], schema: Self.schema,
            hasZeroFields: false)
        #expect(
            Self.text(comparison.added) == #"{"f:metadata":{"f:name":{}},"f:spec":{".":{},"f:text":{}}}"#)
    }

    @Test func `without a schema ownership is deduced`() throws {
        let value: JSONValue = ["spec": ["a": [1, 2], "b": ["c": true]], "metadata": ["finalizers": ["x"]]]
        #expect(
            Self.text(FieldSet(applied: value, schema: nil, hasZeroFields: false))
                == #"{"f:metadata":{"f:finalizers":{"v:\"x\"":{}}},"f:spec":{".":{},"f:a":{},"f:b":{".":{},"f:c":{}}}}"#
        )
    }

    @Test(arguments: [
        // live, configuration, result
        (#"{"data":{"a":"1","b":"2"}}"#, #"{"data":{"b":"3","c":"4"}}"#, #"{"data":{"a":"1","b":"3","c":"4"}}"#),
        (
            #"{"spec":{"set":["a","b","c"]}}"#, #"{"spec":{"set":["c","d","a"]}}"#,
            #"{"spec":{"set":["b","c","d","a"]}}"#
        ),
        (
            #"{"spec":{"ports":[{"port":80,"protocol":"TCP","name":"a"},{"port":81,"protocol":"TCP"}]}}"#,
            #"{"spec":{"ports":[{"port":80,"targetPort":8080},{"port":82}]}}"#,
            #"{"spec":{"ports":[{"port":80,"protocol":"TCP","name":"a","targetPort":8080},{"port":81,"protocol":"TCP"},{"port":82}]}}"#
        ),
        (
            #"{"spec":{"list":["a"],"selector":{"a":"b"}}}"#, #"{"spec":{"list":["b"],"selector":{"c":"d"}}}"#,
            #"{"spec":{"list":["b"],"selector":{"c":"d"}}}"#
        ),
        (#"{"data":{"a":"1"}}"#, #"{"data":null}"#, #"{"data":{"a":"1"}}"#),
        (#"{"spec":{"text":"a"}}"#, #"{"spec":{"text":null}}"#, #"{"spec":{"text":null}}"#),
        (#"{"spec":{"set":["a"]}}"#, #"{"spec":{"set":[]}}"#, #"{"spec":{"set":["a"]}}"#),
    ])
    func `a configuration merges by the schema`(live: String, configuration: String, result: String) throws {
        let merged = TypedMerge.merge(
            try JSONParser.parse(Array(configuration.utf8)), into: try JSONParser.parse(Array(live.utf8)),
            schema: Self.schema)
        #expect(merged.description == result)
    }

    @Test(arguments: [
        (#"{"spec":{"text":"a"}}"#, nil),
        (#"{"spec":{"bogus":1}}"#, ".spec.bogus: field not declared in schema"),
        (#"{"spec":{"text":1}}"#, ".spec.text: expected string, got &value.valueUnstructured{Value:1}"),
        (
            #"{"spec":{"count":"x"}}"#,
            #".spec.count: expected numeric (int or float), got &value.valueUnstructured{Value:"x"}"#
        ),
        (
            #"{"spec":{"ports":[{"port":80},{"port":80,"protocol":"TCP"}]}}"#,
            #".spec.ports: duplicate entries for key [port=80,protocol="TCP"]"#
        ),
        (
            #"{"spec":{"ports":[{"name":"a"}]}}"#,
            #".spec.ports: element 0: associative list with keys has an element that omits key field "port" (and doesn't have default value)"#
        ),
        (#"{"spec":{"set":["a","a"]}}"#, #".spec.set: duplicate entries for key [="a"]"#),
        (#"{"spec":[]}"#, ".spec: expected map, got &value.valueUnstructured{Value:[]interface {}{}}"),
        (
            #"{"spec":{"a":1,"b":2}}"#,
            "errors:\n  .spec.a: field not declared in schema\n  .spec.b: field not declared in schema"
        ),
    ])
    func `a configuration that nobody could own is refused`(document: String, problem: String?) throws {
        #expect(
            AppliedConfiguration.problems(try JSONParser.parse(Array(document.utf8)), schema: Self.schema) == problem)
    }

    @Test func `owners are cut out of an object and put back`() throws {
        let object =
            #"{"apiVersion":"v1","metadata":{"name":"a","managedFields":[{"manager":"x"}]},"data":{"managedFields":"no"}}"#
        let (rest, managed) = ManagedFieldsCut.cut(Array(object.utf8))
        #expect(
            String(decoding: rest, as: UTF8.self)
                == #"{"apiVersion":"v1","metadata":{"name":"a"},"data":{"managedFields":"no"}}"#)
        #expect(String(decoding: managed, as: UTF8.self) == #"[{"manager":"x"}]"#)
        let first = #"{"metadata":{"managedFields":[],"name":"a"}}"#
        #expect(
            String(decoding: ManagedFieldsCut.cut(Array(first.utf8)).object, as: UTF8.self)
                == #"{"metadata":{"name":"a"}}"#)
        #expect(ManagedFieldsCut.cut(Array("{}".utf8)).managedFields.isEmpty)
    }
}
