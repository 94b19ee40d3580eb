import KubeModel
import Store
import Testing

@testable import APIServer

@Suite struct CachedObjectTests {
    private static func object(_ text: String, revision: Int64 = 7) -> CachedObject {
        CachedObject(
            relativeKey: "ns/name", stored: Array(text.utf8), revision: Revision(revision), createRevision: Revision(1),
            selectableFields: nil)
    }

    @Test(arguments: [
        (
            #"{"apiVersion":"v1","kind":"X","metadata":{"name":"a","uid":"u","labels":{"b":"c"}},"spec":{}}"#,
            #"{"apiVersion":"v1","kind":"X","metadata":{"resourceVersion":"7","name":"a","uid":"u","labels":{"b":"c"}},"spec":{}}"#
        ),
        (#"{"metadata":{"name":"a"}}"#, #"{"metadata":{"resourceVersion":"7","name":"a"}}"#),
        (#"{"metadata":{}}"#, #"{"metadata":{"resourceVersion":"7"}}"#),
        (#"{"metadata":{"uid":"u"}}"#, #"{"metadata":{"resourceVersion":"7","uid":"u"}}"#),
        (
            #"{ "spec": {"metadata":{"uid":"no"}, "x": [1, "]}", {"a":null}]}, "metadata": { "uid": "u" } }"#,
            #"{ "spec": {"metadata":{"uid":"no"}, "x": [1, "]}", {"a":null}]}, "metadata": {"resourceVersion":"7", "uid": "u" } }"#
        ),
        (#"{"spec":1}"#, #"{"spec":1}"#),
        ("", ""),
        (#"{"metadata":{"uid""#, #"{"metadata":{"uid""#),
    ])
    func theVersionIsPutIntoTheBytes(_ stored: String, _ served: String) {
        #expect(String(decoding: Self.object(stored).bytes, as: UTF8.self) == served)
        #expect(CachedObject.bytes(Array(stored.utf8), with: Revision(7)) == Array(served.utf8))
    }

    @Test func metadataIsRead() {
        let object = Self.object(
            #"{"metadata":{"labels":{"app":"web","q\"\u00e4":"v\\"},"uid":"u-1","annotations":{"labels":"{}"}}}"#)
        #expect(object.uid == "u-1")
        #expect(object.labels == ["app": "web", "q\"ä": "v\\"])
        #expect(object.namespace == "ns" && object.name == "name")
        #expect(object.field("metadata.name") == "name" && object.field("metadata.namespace") == "ns")
    }

    @Test func restampingChangesTheVersionOnly() throws {
        let object = Self.object(#"{"metadata":{"uid":"u","name":"a"},"spec":{}}"#, revision: 99)
        let restamped = object.restamped(Revision(1000))
        let text = #"{"metadata":{"resourceVersion":"1000","uid":"u","name":"a"},"spec":{}}"#
        #expect(String(decoding: restamped.bytes, as: UTF8.self) == text)
        #expect(restamped.restamped(Revision(99)).bytes == object.bytes)
        #expect(restamped.revision == Revision(1000))
    }
}
