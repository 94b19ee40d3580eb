import KubeModel

/// The rules of a Pod's volumes.
enum VolumeRules {
    private static let modeMessage = "must be a number between 0 and 0777 (octal), both inclusive"
    private static let hostPathTypes = [
        "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
    ]

    /// - Returns: the names of the volumes, each with whether it is a claim.
    static func check(_ volumes: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) -> [String: Bool] {
        var names: [String: Bool] = [:]
        for (index, volume) in volumes.enumerated() {
            let path = path.index(index)
            let name = volume.text("name")
            if name.isEmpty {
                errors.required(path.child("name"))
            } else {
                errors.invalid(path.child("name"), .string(name), Validation.dns1123Label(name))
                if names[name] != nil { errors.duplicate(path.child("name"), .string(name)) }
            }
            names[name] = volume.at("persistentVolumeClaim") != nil || volume.at("ephemeral") != nil
            checkSources(volume, path, &errors)
        }
        return names
    }

    /// A relative path that does not lead upwards; none is fine.
    static func checkDescendingPath(_ text: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard !text.isEmpty else { return }
        if text.hasPrefix("/") { errors.invalid(path, .string(text), "must be a relative path") }
        checkBacksteps(text, path, &errors)
    }

    private static func checkBacksteps(_ text: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if text.split(separator: "/").contains("..") { errors.invalid(path, .string(text), "must not contain '..'") }
    }

    private static func checkSources(_ volume: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        var count = 0
        for (key, source) in volume.object ?? JSONObject() where key != "name" && source != .null {
            count += 1
            guard count == 1 else {
                errors.forbidden(path.child(key), "may not specify more than 1 volume type")
                continue
            }
            check(source, key, path.child(key), &errors)
        }
        if count == 0 { errors.required(path, "must specify a volume type") }
    }

    private static func check(_ source: JSONValue, _ key: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        switch key {
        case "configMap":
            if source.text("name").isEmpty { errors.required(path.child("name")) }
            checkFiles(source, path, &errors)
        case "secret":
            if source.text("secretName").isEmpty { errors.required(path.child("secretName")) }
            checkFiles(source, path, &errors)
        case "hostPath":
            let place = source.text("path")
            if place.isEmpty { errors.required(path.child("path")) }
            checkBacksteps(place, path.child("path"), &errors)
            errors.oneOf(path.child("type"), source.text("type"), hostPathTypes)
        case "persistentVolumeClaim":
            if source.text("claimName").isEmpty { errors.required(path.child("claimName")) }
        case "nfs":
            for field in ["server", "path"] where source.text(field).isEmpty { errors.required(path.child(field)) }
            let place = source.text("path")
            if !place.isEmpty, !place.hasPrefix("/") {
                errors.invalid(path.child("path"), .string(place), "must be an absolute path")
            }
        case "emptyDir":
            if let limit = source.at("sizeLimit"), ResourceRules.quantity(limit).map({ $0.nanos < 0 }) ?? true {
                errors.forbidden(path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity")
            }
        case "downwardAPI": checkDownward(source, path, &errors)
        case "projected": checkProjected(source, path, &errors)
        case "csi":
            if source.text("driver").isEmpty { errors.required(path.child("driver")) }
        default: break
        }
    }

    private static func checkMode(_ value: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let value, let mode = value.int, !(0...0o777).contains(mode) else { return }
        errors.invalid(path, value, modeMessage)
    }

    private static func checkFiles(_ source: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        checkMode(source["defaultMode"], path.child("defaultMode"), &errors)
        for (index, item) in (source["items"]?.array ?? []).enumerated() {
            let path = path.child("items").index(index)
            if item.text("key").isEmpty { errors.required(path.child("key")) }
            checkFilePath(item.text("path"), path.child("path"), &errors)
            checkMode(item["mode"], path.child("mode"), &errors)
        }
    }

    private static func checkFilePath(_ text: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if text.isEmpty { return errors.required(path) }
        checkDescendingPath(text, path, &errors)
        if text.hasPrefix("..") { errors.invalid(path, .string(text), "must not start with '..'") }
    }

    private static func checkDownward(_ source: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        checkMode(source["defaultMode"], path.child("defaultMode"), &errors)
        for (index, item) in (source["items"]?.array ?? []).enumerated() {
            let path = path.child("items").index(index)
            let file = item.text("path")
            if file.isEmpty {
                errors.required(path.child("path"))
            } else {
                checkDescendingPath(file, path.child("path"), &errors)
            }
            switch (item.at("fieldRef"), item.at("resourceFieldRef")) {
            case (nil, nil): errors.required(path, "one of fieldRef and resourceFieldRef is required")
            case (.some, .some):
                errors.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
            default: break
            }
        }
    }

    private static func checkProjected(_ source: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        checkMode(source["defaultMode"], path.child("defaultMode"), &errors)
        for (index, entry) in (source["sources"]?.array ?? []).enumerated() {
            let path = path.child("sources").index(index)
            var count = 0
            for (key, projection) in entry.object ?? JSONObject() where projection != .null {
                count += 1
                guard count == 1 else {
                    errors.forbidden(path.child(key), "may not specify more than 1 volume type per source")
                    continue
                }
                switch key {
                case "configMap", "secret":
                    if projection.text("name").isEmpty { errors.required(path.child(key).child("name")) }
                    checkFiles(projection, path.child(key), &errors)
                case "downwardAPI": checkDownward(projection, path.child(key), &errors)
                case "serviceAccountToken":
                    if projection.text("path").isEmpty { errors.required(path.child(key).child("path")) }
                default: break
                }
            }
            if count == 0 { errors.required(path, "must specify one of the projections") }
        }
    }
}
