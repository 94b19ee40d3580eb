import KubeModel

/// Who owns fields, and how they came by them: what tells the entries of `metadata.managedFields` apart.
package struct FieldManagerIdentity: Sendable {
    package enum Operation: String, Sendable {
        case apply = "Apply"
        case update = "Update"
    }

    package var manager: String
    package var operation: Operation
    /// The version of the API in which the fields are named. An applier has one entry, whatever version it used last.
    package var apiVersion: String
    /// "" for writes of the object itself.
    package var subresource: String

    package init(_ manager: String, _ operation: Operation, apiVersion: String, subresource: String = "") {
        self.manager = manager
        self.operation = operation
        self.apiVersion = apiVersion
        self.subresource = subresource
    }

    package func isSame(as other: FieldManagerIdentity) -> Bool {
        sameBytes(manager, other.manager) && operation == other.operation && subresource == other.subresource
            && (operation == .apply || apiVersion == other.apiVersion)
    }
}

extension FieldManagerIdentity: Hashable {
    package static func == (left: FieldManagerIdentity, right: FieldManagerIdentity) -> Bool {
        left.operation == right.operation && sameBytes(left.manager, right.manager)
            && sameBytes(left.apiVersion, right.apiVersion) && sameBytes(left.subresource, right.subresource)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(ByteKey(manager))
        hasher.combine(operation)
    }
}

extension FieldManagerIdentity {
    /// As messages name it: `"kubectl" with subresource "status" using v1`.
    package var description: String {
        var text = goQuoted(manager)
        if !subresource.isEmpty { text += " with subresource \(goQuoted(subresource))" }
        if operation == .update { text += " using \(apiVersion)" }
        return text
    }

    /// The name of a manager that a request does not name: the first part of its User-Agent, at most 128 bytes of
    /// printable characters; `unknown` when there is none.
    package static func name(userAgent: String?) -> String {
        var name = ""
        for scalar in (userAgent ?? "").unicodeScalars {
            if scalar == "/" { break }
            guard isPrintable(scalar) else { continue }
            guard name.utf8.count + UTF8.width(scalar) <= 128 else { break }
            name.unicodeScalars.append(scalar)
        }
        return name.isEmpty ? "unknown" : name
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 0x20 && scalar.value != 0x7f }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default: return true
        }
    }
}
