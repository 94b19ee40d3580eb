import KubeModel
import Testing

@testable import Controllers

/// What the graph decides, as tables: objects in, the step for one of them out.
@Suite("The ownership graph decides what to collect") struct OwnershipGraphTests {
    static let maps = OwnershipKind(ConfigMap.definition)
    static let nodes = OwnershipKind(Node.definition)

    /// An object whose uid is its name.
    struct Sketch: Sendable {
        var name: String
        var namespace = "shop"
        var owners: [OwnerReference] = []
        var finalizers: [String] = []
        var isDeleting = false
        var version = 1

        var object: OwnedObject {
            OwnedObject(
                metadata: ObjectMeta(
                    name: name, namespace: namespace.isEmpty ? nil : namespace, uid: name,
                    resourceVersion: "\(version)",
                    deletionTimestamp: isDeleting ? Timestamp(secondsSinceEpoch: 1) : nil,
                    ownerReferences: owners.isEmpty ? nil : owners, finalizers: finalizers.isEmpty ? nil : finalizers))
        }

        var kind: OwnershipKind { namespace.isEmpty ? OwnershipGraphTests.nodes : OwnershipGraphTests.maps }

        func changed(_ change: (inout Sketch) -> Void) -> Sketch {
            var copy = self
            copy.version += 1
            change(&copy)
            return copy
        }
    }

    static func owner(_ name: String, kind: String = "ConfigMap", blocks: Bool? = nil) -> OwnerReference {
        OwnerReference(apiVersion: "v1", kind: kind, name: name, uid: name, blockOwnerDeletion: blocks)
    }

    static let foreground = Sketch(name: "a", finalizers: ["foregroundDeletion"], isDeleting: true)
    static let orphaning = Sketch(name: "a", finalizers: ["x/y", "orphan"], isDeleting: true)

    private static func graph(_ sketches: [Sketch]) -> OwnershipGraph {
        var graph = OwnershipGraph()
        for sketch in sketches { _ = graph.observe(sketch.object, sketch.kind) }
        return graph
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var objects: [Sketch]
        var step: OwnershipStep

        init(_ description: String, _ objects: [Sketch], _ step: OwnershipStep) {
            (testDescription, self.objects, self.step) = (description, objects, step)
        }
    }

    static let cases: [Case] = [
        Case("no owners", [Sketch(name: "b")], .nothing),
        Case("a living owner", [Sketch(name: "a"), Sketch(name: "b", owners: [owner("a")])], .nothing),
        Case("an owner that nobody saw", [Sketch(name: "b", owners: [owner("a")])], .verify([owner("a")])),
        Case(
            "an owner of another kind with that uid",
            [Sketch(name: "a"), Sketch(name: "b", owners: [owner("a", kind: "Secret")])],
            .verify([owner("a", kind: "Secret")])),
        Case(
            "an owner in another namespace",
            [Sketch(name: "a", namespace: "elsewhere"), Sketch(name: "b", owners: [owner("a")])],
            .verify([owner("a")])),
        Case(
            "a cluster-scoped owner",
            [Sketch(name: "a", namespace: ""), Sketch(name: "b", owners: [owner("a", kind: "Node")])], .nothing),
        Case(
            "a namespaced owner of a cluster-scoped object",
            [Sketch(name: "a"), Sketch(name: "b", namespace: "", owners: [owner("a")])], .nothing),
        Case(
            "an owner that is being deleted in the background and held by something else",
            [Sketch(name: "a", finalizers: ["x/y"], isDeleting: true), Sketch(name: "b", owners: [owner("a")])],
            .nothing),
        Case(
            "an owner that waits, and nothing below",
            [foreground, Sketch(name: "b", owners: [owner("a", blocks: true)])], .delete(.background)),
        Case(
            "an owner that waits, and dependents below",
            [
                foreground, Sketch(name: "b", owners: [owner("a", blocks: true)]),
                Sketch(name: "c", owners: [owner("b")]),
            ], .delete(.foreground)),
        Case(
            "an owner that waits and another that lives",
            [foreground, Sketch(name: "z"), Sketch(name: "b", owners: [owner("a", blocks: true), owner("z")])],
            .keepOwners([owner("z")])),
        Case(
            "a circle of objects that wait for each other",
            [
                Sketch(
                    name: "a", owners: [owner("b", blocks: true)], finalizers: ["foregroundDeletion"], isDeleting: true),
                Sketch(name: "b", owners: [owner("a", blocks: true)]),
            ], .unblock([owner("a", blocks: false)])),
        Case(
            "a circle that does not block",
            [
                Sketch(
                    name: "a", owners: [owner("b", blocks: true)], finalizers: ["foregroundDeletion"], isDeleting: true),
                Sketch(name: "b", owners: [owner("a", blocks: false)]),
            ], .delete(.foreground)),
        Case("already going", [foreground, Sketch(name: "b", owners: [owner("a")], isDeleting: true)], .nothing),
        Case(
            "waiting for a dependent that blocks",
            [
                Sketch(name: "b", finalizers: ["foregroundDeletion"], isDeleting: true),
                Sketch(name: "c", owners: [owner("b", blocks: true)]),
            ], .nothing),
        Case(
            "dependents that do not block are not waited for",
            [
                Sketch(name: "b", finalizers: ["x/y", "foregroundDeletion"], isDeleting: true),
                Sketch(name: "c", owners: [owner("b", blocks: false)]), Sketch(name: "d", owners: [owner("b")]),
            ], .keepFinalizers(["x/y"])),
        Case(
            "dependents to be orphaned",
            [
                Sketch(name: "b", finalizers: ["orphan"], isDeleting: true),
                Sketch(name: "d", owners: [owner("b"), owner("z")]), Sketch(name: "c", owners: [owner("b")]),
            ], .orphan(["c", "d"])),
        Case(
            "all dependents are orphaned", [Sketch(name: "b", finalizers: ["orphan", "x/y"], isDeleting: true)],
            .keepFinalizers(["x/y"])),
        Case("a finalizer before the deletion means nothing", [Sketch(name: "b", finalizers: ["orphan"])], .nothing),
    ]

    @Test(arguments: cases)
    func `decides`(_ example: Case) {
        #expect(Self.graph(example.objects).step(for: "b") == example.step)
        // The order in which watches of different kinds deliver does not matter.
        #expect(Self.graph(example.objects.reversed()).step(for: "b") == example.step)
    }

    @Test(
        arguments: [
            ([], .delete(.background)), (["orphan"], .delete(.orphan)),
            (["foregroundDeletion"], .delete(.foreground)), (["x/y"], .delete(.background)),
        ] as [([String], OwnershipStep)])
    func theLastOwnerTakesItsDependentsAlong(finalizers: [String], step: OwnershipStep) {
        var graph = Self.graph([
            Sketch(name: "a"), Sketch(name: "b", owners: [Self.owner("a")], finalizers: finalizers),
            Sketch(name: "c", owners: [Self.owner("b")]),
        ])
        #expect(graph.remove("a").work == ["b"])
        #expect(graph.step(for: "b") == step)
        #expect(graph.step(for: "c") == .nothing)
    }

    @Test func `one of two owners leaves only its reference`() {
        var graph = Self.graph([
            Sketch(name: "a"), Sketch(name: "z"), Sketch(name: "b", owners: [Self.owner("a"), Self.owner("z")]),
        ])
        _ = graph.remove("a")
        #expect(graph.step(for: "b") == .keepOwners([Self.owner("z")]))
    }

    @Test func `the server decides about owners that nobody saw`() {
        let (a, z) = (Self.owner("a"), Self.owner("z"))
        var graph = Self.graph([Sketch(name: "b", owners: [a, z])])
        #expect(graph.step(for: "b") == .verify([a, z]))
        let living = [z: VerifiedOwner(isWaitingForDependents: false)]
        graph.noteAbsence(of: a, namespace: "shop")
        #expect(graph.step(for: "b") == .verify([z]))
        #expect(graph.step(for: "b", verified: living) == .keepOwners([z]))
        #expect(
            graph.step(for: "b", verified: [z: VerifiedOwner(isWaitingForDependents: true)]) == .delete(.background))
        graph.noteAbsence(of: z, namespace: "")
        #expect(graph.step(for: "b") == .delete(.background))
        // Absent there says nothing about another place.
        _ = graph.observe(Sketch(name: "c", namespace: "other", owners: [a]).object, Self.maps)
        #expect(graph.step(for: "c") == .verify([a]))
    }

    @Test func `a kind that is not followed any more is not a deletion`() {
        var graph = Self.graph([
            Sketch(name: "a", namespace: ""), Sketch(name: "b", owners: [Self.owner("a", kind: "Node")]),
        ])
        _ = graph.forget(Self.nodes)
        #expect(graph.step(for: "b") == .verify([Self.owner("a", kind: "Node")]))
    }

    @Test func `a list says what is gone`() {
        var graph = Self.graph([Sketch(name: "a"), Sketch(name: "b", owners: [Self.owner("a")])])
        let effects = graph.replace(Self.maps, with: [Sketch(name: "b", owners: [Self.owner("a")]).object])
        #expect(effects.work == ["b"])
        #expect(graph.step(for: "b") == .delete(.background))
    }

    @Test func `older states do not undo newer ones`() {
        let sketch = Sketch(name: "b", owners: [Self.owner("a")], version: 7)
        var graph = Self.graph([Sketch(name: "a"), sketch])
        _ = graph.observe(Sketch(name: "b", version: 6).object, Self.maps)
        #expect(graph.nodes["b"]?.owners == [Self.owner("a")])
        // The word of a list counts: the store may be another one.
        _ = graph.observe(Sketch(name: "b", version: 6).object, Self.maps, isListed: true)
        #expect(graph.nodes["b"]?.owners == [])
        #expect(graph.dependents(of: "a").isEmpty)
    }

    @Test func `a waiting owner is looked at when its dependents go or let go`() {
        let blocking = Sketch(name: "b", owners: [Self.owner("a", blocks: true)])
        var graph = Self.graph([
            Sketch(name: "a"), blocking, Sketch(name: "c", owners: [Self.owner("a", blocks: true)]),
        ])
        let started = graph.observe(Self.foreground.changed { _ in }.object, Self.maps)
        #expect(Set(started.work) == ["a", "b", "c"])
        #expect(graph.step(for: "a") == .nothing)
        let unblocked = graph.observe(
            blocking.changed { $0.owners = [Self.owner("a", blocks: false)] }.object, Self.maps)
        #expect(unblocked.work.contains("a"))
        #expect(graph.step(for: "a") == .nothing)
        #expect(graph.remove("c").work == ["a"])
        #expect(graph.step(for: "a") == .keepFinalizers([]))
    }

    @Test(arguments: [true, false])
    func `owners in other namespaces are reported whoever comes first`(ownerFirst: Bool) {
        let owner = Sketch(name: "a", namespace: "elsewhere")
        let dependent = Sketch(name: "b", owners: [Self.owner("a")])
        var graph = OwnershipGraph()
        var invalid: [OwnershipGraph.InvalidOwner] = []
        var work: [String] = []
        for sketch in ownerFirst ? [owner, dependent] : [dependent, owner] {
            let effects = graph.observe(sketch.object, Self.maps)
            invalid += effects.invalidOwners
            work = effects.work
        }
        #expect(work == ["b"])
        #expect(invalid.map(\.dependent.name) == ["b"])
        #expect(
            invalid.first.map(CollectionRun.message)
                == "ownerRef [v1/ConfigMap, namespace: shop, name: a, uid: a] does not exist in namespace \"shop\"")
        // Seen again, it is not reported again.
        let again = graph.observe(dependent.changed { $0.finalizers = ["x/y"] }.object, Self.maps)
        #expect(again.invalidOwners.isEmpty)
    }

    @Test func `nothing is kept of owners without dependents`() {
        var graph = Self.graph([Sketch(name: "a"), Sketch(name: "b", owners: [Self.owner("a")])])
        _ = graph.remove("a")
        #expect(graph.absence(of: "a") != nil)
        _ = graph.remove("b")
        #expect(graph.absence(of: "a") == nil)
        #expect(graph.dependents(of: "a").isEmpty)
        #expect(graph.nodes.isEmpty)
    }
}
