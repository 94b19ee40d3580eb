import KubeModel
import Testing

@Suite("JSON values") struct JSONValueTests {
    @Test func readsAndWritesAlongPaths() {
        var value: JSONValue = ["spec": ["ports": [["port": 80]]]]
        #expect(value["spec"]["ports"][0]["port"].int == 80)
        #expect(value["spec"]["missing"]["further"].string == nil)
        value["spec"]["ports"][0]["port"] = 81
        value["spec"]["clusterIP"] = "None"
        value["metadata"]["labels"]["a/b"] = "c"
        #expect(
            value == ["spec": ["ports": [["port": 81]], "clusterIP": "None"], "metadata": ["labels": ["a/b": "c"]]])
        value["spec"]["clusterIP"] = nil
        value["spec"]["ports"] = nil
        #expect(value == ["spec": [:], "metadata": ["labels": ["a/b": "c"]]])
        value["absent"] = nil
        #expect(value.object?.count == 2)
        #expect(value[path: ["metadata", "labels", "a/b"]] == "c")
    }

    @Test func removingFromWhatIsAbsentChangesNothing() {
        var value: JSONValue = ["a": 1]
        value["b"]["c"] = nil
        value["a"]["c"] = nil
        value["list"][3] = 1
        #expect(value == ["a": 1])
    }

    @Test func comparesByContent() {
        let one: JSONValue = ["a": 1, "b": [1.0, "x"]]
        let two: JSONValue = ["b": [1, "x"], "a": 1]
        #expect(one == two)
        #expect(one.hashValue == two.hashValue)
        #expect(JSONValue.string("e\u{301}") != JSONValue.string("\u{e9}"))
        #expect(JSONValue.integer(1) != JSONValue.string("1"))
    }

    @Test func objectsKeepOrderAndScale() {
        var object = JSONObject()
        for index in 0..<2000 { object["key\(index)"] = .integer(Int64(index)) }
        object["key5"] = nil
        object["key0"] = "first"
        #expect(object.count == 1999)
        #expect(object["key1999"] == 1999)
        #expect(object["key5"] == nil)
        #expect(object.keys.first == "key0")
        object.removeAll { $0.key != "key7" && $0.key != "key3" }
        #expect(Array(object.keys) == ["key3", "key7"])
        object.insert("kind", "X", at: 0)
        object["key3", default: 0] = 4
        object["new", default: []] = [1]
        #expect(object == ["new": [1], "kind": "X", "key3": 4, "key7": 7])
        object["e\u{301}"] = 1
        #expect(object["\u{e9}"] == nil)
    }
}
