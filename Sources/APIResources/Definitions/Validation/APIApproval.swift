import KubeModel

/// Whether a definition in one of Kubernetes' own groups was approved by its API reviewers (KEP-1111).
enum APIApproval: Hashable {
    case approved(String)
    case bypassed(String)
    case missing
    case invalid(String)

    static let annotation = "api-approved.kubernetes.io"
    private static let more = "see https://github.com/kubernetes/enhancements/pull/1111"

    init(_ annotations: JSONValue?) {
        let text = annotations[Self.annotation].string ?? ""
        if text.isEmpty {
            self = .missing
        } else if text.hasPrefix("unapproved") {
            self = .bypassed(text)
        } else if Self.isURL(text) {
            self = .approved(text)
        } else {
            self = .invalid(text)
        }
    }

    /// Groups that end in `k8s.io` or `kubernetes.io`.
    static func isProtected(_ group: String) -> Bool {
        ["k8s.io", "kubernetes.io"].contains { group == $0 || group.hasSuffix(".\($0)") }
    }

    var isApproved: Bool {
        if case .approved = self { true } else { false }
    }

    /// Of the condition.
    var reason: String {
        switch self {
        case .approved: "ApprovedAnnotation"
        case .bypassed: "UnapprovedAnnotation"
        case .missing: "MissingAnnotation"
        case .invalid: "InvalidAnnotation"
        }
    }

    var message: String {
        switch self {
        case .approved(let url): "approved in \(url)"
        case .bypassed(let text): "not approved: \(goQuoted(text))"
        case .missing: "protected groups must have approval annotation \"\(Self.annotation)\", \(Self.more)"
        case .invalid:
            "protected groups must have approval annotation \"\(Self.annotation)\" with either a URL or a reason starting "
                + "with \"unapproved\", \(Self.more)"
        }
    }

    /// What is wrong with a new definition.
    static func errors(_ definition: JSONValue) -> [FieldError] {
        guard isProtected(definition["spec"]["group"].string ?? "") else { return [] }
        let approval = APIApproval(definition["metadata"]["annotations"])
        let path = FieldPath("metadata", "annotations").key(annotation)
        switch approval {
        case .approved, .bypassed: return []
        case .missing: return [.required(path, approval.message)]
        case .invalid(let text): return [.invalid(path, .string(text), approval.message)]
        }
    }

    /// A scheme, `://` and a host.
    private static func isURL(_ text: String) -> Bool {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let first = parts[0].first, first.isLetter, parts[1].hasPrefix("//") else {
            return false
        }
        return parts[0].allSatisfy { $0.isLetter || $0.isNumber || "+-.".contains($0) }
            && !(parts[1].dropFirst(2).prefix { $0 != "/" && $0 != "?" && $0 != "#" }.isEmpty)
    }
}
