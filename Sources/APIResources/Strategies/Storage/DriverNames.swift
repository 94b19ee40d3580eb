import KubeModel

/// Names of CSI drivers: DNS subdomains of at most 63 characters, in any case (Kubernetes: `ValidateCSIDriverName`).
enum DriverNames {
    private static let longest = 63

    static func check(_ name: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if name.isEmpty { errors.required(path) }
        if name.utf8.count > longest { errors.tooLong(path, longest) }
        for message in Validation.dns1123Subdomain(name.lowercased()) { errors.invalid(path, .string(name), message) }
    }
}
