import Store
import Testing

@testable import WatchCache

@Suite("The index of objects") struct ObjectIndexTests {
    private static func object(_ key: String, _ revision: Int64 = 1) -> CachedObject {
        CachedObject(relativeKey: key, stored: [], revision: Revision(revision))
    }

    private static func keys(_ index: ObjectIndex, _ range: Range<ObjectIndex.Position>? = nil) -> [String] {
        var keys: [String] = []
        index.forEach(in: range ?? index.start..<index.end) { object in
            keys.append(object.relativeKey)
            return true
        }
        return keys
    }

    @Test(arguments: [1, 2, 3])
    func itEqualsASortedDictionary(_ round: Int) {
        var index = ObjectIndex()
        var model: [String: Int64] = [:]
        var snapshot = (index, model)
        for step in 0..<6000 {
            let key = "\(Int.random(in: 0..<8))/\(Int.random(in: 0..<200))"
            if Int.random(in: 0..<3) > 0 || round == 1 {
                let old = index.insert(Self.object(key, Int64(step)))
                #expect(old?.revision.rawValue == model.updateValue(Int64(step), forKey: key))
            } else {
                #expect(index.remove(key)?.revision.rawValue == model.removeValue(forKey: key))
            }
            if step % 1000 == 500 {
                expectEqual(index, model)
                // Earlier copies do not change.
                expectEqual(snapshot.0, snapshot.1)
                snapshot = (index, model)
            }
        }
        for key in model.keys.shuffled() { index.remove(key) }
        #expect(index.count == 0 && Self.keys(index).isEmpty)
    }

    private func expectEqual(_ index: ObjectIndex, _ model: [String: Int64]) {
        let sorted = model.keys.sorted()
        #expect(index.count == sorted.count)
        #expect(Self.keys(index) == sorted)
        #expect(index.count(index.start..<index.end) == sorted.count)
        for namespace in 0..<8 {
            let range = index.range(namespace: "\(namespace)")
            let wanted = sorted.filter { $0.hasPrefix("\(namespace)/") }
            #expect(Self.keys(index, range) == wanted)
            #expect(index.count(range) == wanted.count)
        }
        for key in sorted.shuffled().prefix(20) {
            #expect(index[key]?.revision.rawValue == model[key])
            #expect(Self.keys(index, index.position(after: key)..<index.end) == sorted.filter { $0 > key })
            #expect(Self.keys(index, index.position(after: key + "!")..<index.end) == sorted.filter { $0 > key + "!" })
        }
    }

    @Test func orderIsThatOfBytes() {
        var index = ObjectIndex()
        for key in ["a/x", "a-b/x", "b/\u{e9}", "b/e\u{301}", "b/z", "a/y"] { index.insert(Self.object(key)) }
        #expect(index.count == 6, "what Swift holds for equal text are two keys")
        #expect(Self.keys(index) == ["a-b/x", "a/x", "a/y", "b/e\u{301}", "b/z", "b/\u{e9}"])
        #expect(Self.keys(index, index.range(namespace: "a")) == ["a/x", "a/y"])
    }
}
