package import NetworkTypes

/// The client networks that a guard lets in. A guard that cannot be read lets nobody in.
package struct SourceRanges: Hashable, Sendable {
    /// nil where there is no guard.
    private let networks: [CIDR]?

    /// No guard.
    package static let everybody = SourceRanges(networks: nil)

    private init(networks: [CIDR]?) {
        self.networks = networks
    }

    /// Those of a list; an empty list is no guard.
    package init(_ networks: [CIDR]) {
        self.networks = networks.isEmpty ? nil : networks
    }

    /// Those of `spec.loadBalancerSourceRanges` or of a list that means the same. White space around a range is part of the
    /// API (kube-proxy trims it). An empty list is no guard; of another one, what is no range matches nobody.
    package init(texts: [String]) {
        networks =
            texts.isEmpty ? nil : texts.compactMap { CIDR(Self.trimmed($0)) }
    }

    package var isGuard: Bool { networks != nil }

    package func contains(_ client: IPAddress) -> Bool {
        guard let networks else { return true }
        return networks.contains { $0.contains(client) }
    }

    private static func trimmed(_ text: String) -> Substring {
        var rest = text.unicodeScalars[...].drop(while: \.properties.isWhitespace)
        while rest.last?.properties.isWhitespace == true { rest.removeLast() }
        return Substring(rest)
    }
}
