import KubeModel
import Testing

@testable import Controllers

@Suite("Route table conditions") struct RouteTableConditionsTests {
    private static let then = Timestamp(secondsSinceEpoch: 100)
    private static let now = Timestamp(secondsSinceEpoch: 200)

    private static func conditions(_ problems: [IngressProblem], after old: [Condition] = []) -> [String: Condition] {
        let merged = RouteTableConditions(problems).merged(into: old, generation: 3, now: now)
        return Dictionary(uniqueKeysWithValues: merged.map { ($0.type, $0) })
    }

    @Test func `without problems everything is True`() {
        let conditions = Self.conditions([])
        #expect(conditions["Accepted"]?.status == "True" && conditions["Accepted"]?.reason == "Accepted")
        #expect(conditions["ResolvedRefs"]?.status == "True" && conditions["ResolvedRefs"]?.reason == "ResolvedRefs")
        #expect(conditions["Accepted"]?.observedGeneration == 3)
    }

    @Test(arguments: ["InvalidSecret", "ServiceNotFound", "ServicePortNotFound", "UnsupportedBackend"])
    func `what an Ingress refers to and is not there makes ResolvedRefs False`(reason: String) {
        let conditions = Self.conditions([IngressProblem(reason: reason, message: "m")])
        #expect(conditions["ResolvedRefs"]?.status == "False" && conditions["ResolvedRefs"]?.reason == reason)
        #expect(conditions["ResolvedRefs"]?.message == "m")
        #expect(conditions["Accepted"]?.status == "True" && conditions["Accepted"]?.reason == "Accepted")
    }

    @Test func `a guard or a conflict makes Accepted False, a remark does not`() {
        let guarded = Self.conditions([
            IngressProblem(reason: "UnsupportedGuard", message: "g", concern: .acceptance),
            IngressProblem(reason: "DuplicatePath", message: "d", concern: .none),
        ])
        #expect(guarded["Accepted"]?.status == "False" && guarded["Accepted"]?.reason == "UnsupportedGuard")
        #expect(guarded["Accepted"]?.message == "g; d")
        let remark = Self.conditions([IngressProblem(reason: "DuplicatePath", message: "d", concern: .none)])
        #expect(remark["Accepted"]?.status == "True" && remark["Accepted"]?.message == "d")
    }

    @Test func `the time is that of the last change of status, and others' conditions stay`() {
        let old = [
            Condition(
                type: "Accepted", status: "True", lastTransitionTime: Self.then, reason: "Accepted", message: ""),
            Condition(
                type: "ResolvedRefs", status: "True", lastTransitionTime: Self.then, reason: "ResolvedRefs", message: ""
            ),
            Condition(
                type: "Programmed", status: "True", lastTransitionTime: Self.then, reason: "Programmed", message: ""),
        ]
        let conditions = Self.conditions([IngressProblem(reason: "ServiceNotFound", message: "m")], after: old)
        #expect(conditions["Accepted"]?.lastTransitionTime == Self.then)
        #expect(conditions["ResolvedRefs"]?.lastTransitionTime == Self.now)
        #expect(conditions["Programmed"] == old[2])
    }
}
