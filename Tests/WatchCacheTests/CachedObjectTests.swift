import KubeModel
import Store
import Synchronization
import Testing

@testable import WatchCache

@Suite("Objects in the watch cache") struct CachedObjectTests {
    private static func object(_ text: String, revision: Int64 = 7) -> CachedObject {
        CachedObject(relativeKey: "ns/name", stored: Array(text.utf8), revision: Revision(revision))
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

    @Test func metadataIsRead() throws {
        let object = Self.object(
            #"{"metadata":{"labels":{"app":"web","q\"\u00e4":"v\\"},"uid":"u-1","annotations":{"labels":"{}"}}}"#)
        #expect(object.uid == "u-1")
        #expect(object.matches(Selector(labels: ["app": "web", "q\"ä": "v\\"])))
        #expect(!object.matches(Selector(labels: ["app": "web", "labels": "{}"])))
        #expect(object.namespace == "ns" && object.name == "name")
        #expect(object.field("metadata.name", nil) == "name" && object.field("metadata.namespace", nil) == "ns")
    }

    @Test func restampingChangesTheVersionOnly() throws {
        let object = Self.object(#"{"metadata":{"uid":"u","name":"a"},"spec":{}}"#, revision: 99)
        let restamped = object.restamped(Revision(1000))
        let text = #"{"metadata":{"resourceVersion":"1000","uid":"u","name":"a"},"spec":{}}"#
        #expect(String(decoding: restamped.bytes, as: UTF8.self) == text)
        #expect(restamped.restamped(Revision(99)).bytes == object.bytes)
        #expect(restamped.revision == Revision(1000))
    }

    @Test(arguments: [("ns", "name"), ("", "name"), ("other", "name")])
    func keysAreReadFromTheBytes(_ namespace: String, _ name: String) throws {
        let stored = #"{"metadata":{"labels":{"a":"b"},"name":"\#(name)","namespace":"\#(namespace)"}}"#
        for key in ["ns/name", "name", "ns/other"] {
            let object = CachedObject(relativeKey: key, stored: Array(stored.utf8), revision: Revision(99))
            for state in [object, object.restamped(Revision(1000)), object.restamped(Revision(5))] {
                #expect(state.relativeKey == key)
                #expect(state.matches(Selector(labels: ["a": "b"])) && !state.matches(Selector(labels: ["a": "c"])))
                for other in ["a", "name", "ns", "ns/", "ns/nam", "ns/name", "ns/name2", "ns/other", "ns0", "z"] {
                    let order = other.withBytes { state.order(to: $0) }
                    #expect(order.signum() == byteOrder(key, other).signum(), "\(key) to \(other)")
                }
            }
        }
    }

    @Test func selectableFieldsAreWorkedOutOnce() {
        let calls = Mutex(0)
        let object = Self.object(#"{"metadata":{}}"#)
        let selectable: CachedObject.SelectableFields = { bytes in
            calls.withLock { $0 += 1 }
            return ["size": "\(bytes.count)"]
        }
        for _ in 0..<3 { #expect(object.field("size", selectable) == "\(object.bytes.count)") }
        #expect(object.field("other", selectable) == "" && calls.withLock { $0 } == 1)
    }
}
