import KubeModel
import Testing

@testable import Controllers

@Suite("Checks that wait for a place") struct CheckBacklogTests {
    private static func service(_ name: String, _ namespace: String = "shop") -> NamespacedName {
        NamespacedName(namespace: namespace, name: name)
    }

    @Test func `Services take turns, and one that may not does not hold up the others`() {
        var backlog = CheckBacklog<String>()
        for number in 0..<3 {
            for name in ["a", "b", "c"] { backlog.add("\(name)\(number)", of: Self.service(name)) }
        }
        backlog.add("x", of: Self.service("x", "other"))
        func take(_ places: Int, full: Set<String> = []) -> [String] {
            var taken: [String] = []
            var left: [String: Int] = [:]
            backlog.take(place: { service in
                if left[service.namespace, default: 0] == places { return .noneForNamespace }
                if full.contains(service.name) { return .noneForService }
                return taken.count { $0.hasPrefix(service.name) } < 2 ? .free : .noneForService
            }) { item in
                taken.append(item)
                left[item == "x" ? "other" : "shop", default: 0] += 1
            }
            return taken.sorted()
        }
        #expect(take(0) == [])
        #expect(take(3, full: ["b"]) == ["a0", "a1", "c0", "x"])
        // The one that was passed over is first now; those that had something come behind it.
        #expect(take(3) == ["a2", "b0", "b1"])
        #expect(backlog.count == 3)
        backlog.keep { $0 != "c1" }
        #expect(take(9) == ["b2", "c2"])
        #expect(backlog.count == 0)
    }
}
