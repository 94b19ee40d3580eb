import KubeModel
import NetworkTypes

/// Annotations about who may come, and how often. Each that is there must be readable, also where another one comes first:
/// otherwise nobody is let in.
struct GuardAnnotations {
    /// Ours come first.
    private var readers: [AnnotationReader]

    init(_ annotations: [String: String]) {
        readers = [AnnotationReader.martlet, AnnotationReader.nginx].map {
            AnnotationReader(annotations, prefixes: [$0], consequence: "so that nobody is let in")
        }
    }

    /// Each a sentence that begins with the annotation's key.
    var problems: [String] { readers.flatMap(\.problems) }

    /// - Parameter told: gets what has no effect beside another one.
    mutating func sources(_ told: inout [String]) -> RouteSources? {
        let allowed = first(of: ["allowlist-source-range", "whitelist-source-range"], &told)
        // Whom any of them keeps out is kept out.
        let denied = lists(of: ["denylist-source-range"]).map(\.networks)
        if allowed == nil, denied.isEmpty { return nil }
        return RouteSources(allow: allowed, deny: denied.isEmpty ? nil : denied.flatMap(\.self))
    }

    /// 0 is no bound, as in ingress-nginx.
    mutating func clientLimits(_ told: inout [String]) -> RouteClientLimits? {
        var limits = RouteClientLimits()
        limits.requestsPerSecond = bound("limit-rps")
        limits.requestsPerMinute = bound("limit-rpm")
        limits.requests = bound("limit-connections")
        limits.burstMultiplier = numbers("limit-burst-multiplier").first
        limits.exempt = first(of: ["limit-allowlist", "limit-whitelist"], &told)
        return limits.isEmpty ? nil : limits
    }

    private mutating func bound(_ name: String) -> Int? {
        let number = numbers(name).first
        return number == 0 ? nil : number
    }

    private mutating func numbers(_ name: String) -> [Int] {
        readers.indices.compactMap { readers[$0].number(name, from: 0, to: 1_000_000) }
    }

    /// The first list that is there; of others that say something else it is told that they have no effect.
    private mutating func first(of names: [String], _ told: inout [String]) -> [String]? {
        let all = lists(of: names)
        guard let first = all.first else { return nil }
        for other in all.dropFirst() where other.networks != first.networks {
            told.append("\(other.key): has no effect beside \(first.key)")
        }
        return first.networks
    }

    /// All lists of some names, ours first.
    private mutating func lists(of names: [String]) -> [(key: String, networks: [String])] {
        var lists: [(key: String, networks: [String])] = []
        for index in readers.indices {
            for name in names {
                if let networks = Self.networks(name, &readers[index]) {
                    lists.append((readers[index].key(name), networks))
                }
            }
        }
        return lists
    }

    /// Networks and addresses between commas.
    private static func networks(_ name: String, _ reader: inout AnnotationReader) -> [String]? {
        guard let text = reader[name] else { return nil }
        let entries = AnnotationReader.entries(text)
        if entries.isEmpty || entries.count > 2_048 {
            reader.refuse(name, entries.isEmpty ? "names no network" : "names more than 2048 networks")
            return nil
        }
        guard let wrong = entries.first(where: { CIDR(network: $0) == nil }) else { return entries }
        reader.refuse(name, "has \(AnnotationReader.quoted(wrong)), which is neither an address nor a network")
        return nil
    }
}
