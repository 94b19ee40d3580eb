import KubeModel

/// Parameters for the driver of a class of volumes.
enum StorageParameters {
    private static let most = 512
    private static let mostBytes = 256 * 1024

    static func check(_ parameters: JSONObject?, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let parameters else { return }
        if parameters.count > most { errors.tooLong(FieldPath("Provisioner Parameters"), most) }
        var bytes = 0
        for (name, value) in parameters {
            if name.isEmpty { errors.invalid(path, .string(name), "field can not be empty.") }
            bytes += name.utf8.count + (value.string ?? "").utf8.count
        }
        if bytes > mostBytes { errors.tooLong(path, mostBytes) }
    }
}
