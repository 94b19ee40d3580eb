import KubeModel
import Testing

@testable import APIResources

@Suite("Which definition gets a name") struct NameDecisionTests {
    private func names(_ plural: String, _ kind: String, short: [String] = []) -> CustomResourceNames {
        var names = CustomResourceNames()
        names.plural = plural
        names.singular = kind.lowercased()
        names.kind = kind
        names.listKind = kind + "List"
        names.shortNames = short
        return names
    }

    @Test func freeNamesAreAccepted() {
        let requested = names("crontabs", "CronTab", short: ["ct"])
        let decision = NameDecision(
            requested: requested, current: CustomResourceNames(), others: [names("jobs", "Job", short: ["j"])])
        #expect(decision.accepted == requested)
        #expect(decision.conflict == nil)
    }

    @Test(
        arguments: [
            ("jobs", "CronTab", [], "PluralConflict", "\"jobs\" is already in use"),
            ("crontabs", "CronTab", ["j"], "ShortNamesConflict", "\"j\" is already in use"),
            ("j", "CronTab", [], "PluralConflict", "\"j\" is already in use"),
            ("crontabs", "JobList", [], "KindConflict", "\"JobList\" is already in use"),
        ] as [(String, String, [String], String, String)])
    func aTakenNameStaysWithTheOther(
        _ plural: String, _ kind: String, _ short: [String], _ reason: String, _ message: String
    ) {
        let decision = NameDecision(
            requested: names(plural, kind, short: short), current: CustomResourceNames(),
            others: [names("jobs", "Job", short: ["j"])])
        #expect(decision.conflict == NameDecision.Conflict(reason: reason, message: message))
    }

    @Test func acceptedNamesAreKeptWhileNewOnesAreTaken() {
        let current = names("crontabs", "CronTab", short: ["ct"])
        let decision = NameDecision(
            requested: names("crontabs", "CronTab", short: ["j"]), current: current,
            others: [names("jobs", "Job", short: ["j"])])
        #expect(decision.accepted.shortNames == ["ct"])
        #expect(decision.conflict?.reason == "ShortNamesConflict")
    }
}
