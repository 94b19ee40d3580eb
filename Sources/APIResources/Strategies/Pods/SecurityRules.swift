import KubeModel

/// The rules of seccomp and AppArmor profiles, of sysctls, and of what else a Pod asks of the kernel.
enum SecurityRules {
    private static let profileTypes = ["Localhost", "RuntimeDefault", "Unconfined"]
    private static let maxProfileLength = 4095
    private static let sysctlMessage =
        "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*"
        + "[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"

    /// Of a Pod's or a container's `securityContext`.
    static func checkProfiles(_ context: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        if let profile = context.at("seccompProfile") {
            checkSeccomp(profile, path.child("seccompProfile"), &errors)
        }
        if let profile = context.at("appArmorProfile") {
            checkAppArmor(profile, path.child("appArmorProfile"), &errors)
        }
    }

    private static func checkSeccomp(_ profile: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let type = profile.text("type")
        if type.isEmpty {
            errors.required(path.child("type"), "type is required when seccompProfile is set")
        } else {
            errors.oneOf(path.child("type"), type, profileTypes)
        }
        let file = path.child("localhostProfile")
        switch (type, profile["localhostProfile"]?.string) {
        case ("Localhost", nil): errors.required(file, "must be set when seccomp type is Localhost")
        case ("Localhost", let text?): VolumeRules.checkDescendingPath(text, file, &errors)
        case (_, .some): errors.invalid(file, profile, "can only be set when seccomp type is Localhost")
        default: break
        }
    }

    private static func checkAppArmor(_ profile: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let type = profile.text("type")
        let file = path.child("localhostProfile")
        let name = profile["localhostProfile"]?.string
        switch type {
        case "Localhost":
            let text = name ?? ""
            if text.isEmpty {
                errors.required(file, "must be set when AppArmor type is Localhost")
            } else if text.first?.isWhitespace == true || text.last?.isWhitespace == true {
                errors.invalid(file, .string(text), "must not be padded with whitespace")
            }
            if text.utf8.count > maxProfileLength { errors.tooLong(file, maxProfileLength) }
        case "RuntimeDefault", "Unconfined":
            if let name { errors.invalid(file, .string(name), "can only be set when AppArmor type is Localhost") }
        case "": errors.required(path.child("type"), "type is required when appArmorProfile is set")
        default: errors.notSupported(path.child("type"), type, profileTypes)
        }
    }

    static func checkSysctls(_ sysctls: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        var names: Set<ByteKey> = []
        for (index, sysctl) in sysctls.enumerated() {
            let name = sysctl.text("name")
            let path = path.index(index).child("name")
            if name.isEmpty {
                errors.required(path)
            } else if !isSysctl(name) {
                errors.invalid(path, .string(name), sysctlMessage)
            } else if !names.insert(ByteKey(name)).inserted {
                errors.duplicate(path, .string(name))
            }
        }
    }

    /// Parts of lower-case letters, digits, and in between hyphens and underscores, with dots or slashes between them.
    private static func isSysctl(_ name: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8?) -> Bool {
            guard let byte else { return false }
            return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard name.utf8.count <= 253 else { return false }
        let parts = name.utf8.split(omittingEmptySubsequences: false) {
            $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/")
        }
        return parts.allSatisfy { part in
            isAlphanumeric(part.first) && isAlphanumeric(part.last)
                && part.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
    }

    /// `spec.os`.
    static func checkSystem(_ system: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let name = system.text("name")
        if name.isEmpty { return errors.required(path.child("name"), "cannot be empty") }
        errors.oneOf(path, name, ["linux", "windows"])
    }
}
