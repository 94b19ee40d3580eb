package import KubeModel

/// What Services ask for and do not get on this node, with what of it is news. Pure.
package struct EnforcementLedger: Sendable {
    /// Something to tell people, once.
    package enum News: Hashable, Sendable {
        case began(NamespacedName, EnforcementProblem)
        case ended(NamespacedName, EnforcementProblem)
    }

    package private(set) var problems: [NamespacedName: [EnforcementProblem]] = [:]
    package private(set) var servedCount = 0
    /// What a status has to speak of, in order. Kept rather than computed: an ordinary user may have thousands of
    /// Services on ports that are not permitted, and the status is looked at every second.
    package private(set) var alarming: [Alarm] = []

    package init() {}

    /// Takes in the report on a batch.
    ///
    /// - Parameter gone: Services that no longer exist; about them there is nothing more to tell.
    package mutating func take(_ report: EnforcementReport, gone: some Sequence<NamespacedName>) -> [News] {
        servedCount = report.servedCount
        var isChanged = false
        for service in gone where problems.removeValue(forKey: service) != nil { isChanged = true }
        var news: [News] = []
        for (service, present) in report.problems.sorted(by: { $0.key < $1.key }) {
            let previous = problems[service] ?? []
            problems[service] = present.isEmpty ? nil : present
            // The same address for the same reason is no news, in whatever words.
            news += previous.filter { old in !present.contains { $0.isSame(as: old) } }.map { .ended(service, $0) }
            news += present.filter { new in !previous.contains { $0.isSame(as: new) } }.map { .began(service, $0) }
        }
        if isChanged || !news.isEmpty { alarming = alarms() }
        return news
    }

    /// The Services that may get what they lack without a change of theirs.
    package var worthRepeating: Set<NamespacedName> {
        Set(problems.lazy.filter { $0.value.contains(where: \.isWorthRepeating) }.map(\.key))
    }

    /// The API server's own Service. Clients inside a cluster use it; a host of Martlet reaches the server by its
    /// address, so that not serving it is nothing to be alarmed about.
    package static let quietService = TrafficState.apiServerService

    private func alarms() -> [Alarm] {
        var alarms: [Alarm] = []
        for (service, problems) in problems where service != Self.quietService {
            alarms += problems.map { Alarm(service: service, problem: $0) }
        }
        return alarms.sorted { left, right in
            left.problem.key == right.problem.key
                ? left.service < right.service : left.problem.key < right.problem.key
        }
    }

    package struct Alarm: Hashable, Sendable {
        package var service: NamespacedName
        package var problem: EnforcementProblem
    }
}

extension EnforcementProblem {
    fileprivate func isSame(as other: EnforcementProblem) -> Bool { key == other.key && reason == other.reason }
}
