package import NetworkTypes

/// The client networks that a guarded address serves.
///
/// A guard that cannot be understood is closed: a range that is no CIDR matches nobody, and a list that holds nothing
/// else shuts everybody out. Only where no range was asked for is everybody served.
package enum SourceRanges: Hashable, Sendable {
    case everyone
    case only([CIDR])

    /// Reads `spec.loadBalancerSourceRanges`, whose entries may have white space around them (Kubernetes' API keeps and
    /// ignores it); where that is absent or empty, the older annotation
    /// `service.beta.kubernetes.io/load-balancer-source-ranges` with the same ranges between commas counts.
    package init(spec ranges: [String]?, annotation: String?) {
        if let ranges, !ranges.isEmpty {
            self = .only(ranges.compactMap { CIDR($0.trimmingWhiteSpace) })
        } else if let annotation = annotation?.trimmingWhiteSpace, !annotation.isEmpty {
            self = .only(annotation.split(separator: ",").compactMap { CIDR(String($0).trimmingWhiteSpace) })
        } else {
            self = .everyone
        }
    }

    /// Whether a client is served.
    package func admits(_ client: IPAddress) -> Bool {
        switch self {
        case .everyone: true
        case .only(let ranges): ranges.contains { $0.contains(client) }
        }
    }

    package static let annotation = "service.beta.kubernetes.io/load-balancer-source-ranges"
}

extension String {
    /// Without the white space that Go's `strings.TrimSpace` removes at either end.
    fileprivate var trimmingWhiteSpace: Substring {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return self[first...last]
    }
}
