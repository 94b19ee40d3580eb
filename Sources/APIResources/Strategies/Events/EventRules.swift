import KubeModel

/// The rules of Events in both of their views.
enum EventRules {
    /// What a view calls its fields.
    struct Names: Sendable {
        var object: String
        var controller: String
        var message: String

        static let core = Names(object: "involvedObject", controller: "reportingController", message: "message")
        static let events = Names(object: "regarding", controller: "reportingController", message: "note")
    }

    static let referenceFields = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"]

    private static let textLimit = 128
    private static let noteLimit = 1024

    /// Under the names of both views, since both search the same stored objects.
    static func selectableFields(ofStored object: JSONValue) -> [String: String] {
        var fields = FieldValues.read(["reason", "type"], from: object)
        for name in referenceFields {
            let value = object.text("involvedObject", name)
            fields["involvedObject.\(name)"] = value
            fields["regarding.\(name)"] = value
        }
        let controller = object.text("reportingComponent")
        fields["reportingComponent"] = controller
        fields["reportingController"] = controller
        let source = object.text("source", "component")
        fields["source"] = source.isEmpty ? controller : source
        return fields
    }

    static func check(_ object: JSONValue, names: Names) -> [FieldError] {
        var errors: [FieldError] = []
        let namespace = object.text("metadata", "namespace")
        let about = object.text(names.object, "namespace")
        // An Event about a cluster-scoped object lives in "default".
        if about.isEmpty ? namespace != "default" && !namespace.isEmpty : about != namespace {
            errors.invalid(
                FieldPath("involvedObject").child("namespace"), .string(about), "does not match event.namespace")
        }
        guard object.at("eventTime") != nil else { return errors }
        let controllerKey = names.object == "regarding" ? "reportingController" : "reportingComponent"
        let controller = object.text(controllerKey)
        if controller.isEmpty {
            errors.required(FieldPath(names.controller))
        } else {
            errors.invalid(FieldPath(names.controller), .string(controller), Validation.qualifiedName(controller))
        }
        for key in ["reportingInstance", "action", "reason"] {
            let text = object.text(key)
            if text.isEmpty { errors.required(FieldPath(key)) }
            checkLength(text, textLimit, FieldPath(key), &errors)
        }
        checkLength(object.text(names.message), noteLimit, FieldPath("message"), &errors)
        return errors
    }

    /// What only `events.k8s.io/v1` asks of a new Event.
    static func checkNewStyle(_ object: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        if object.at("eventTime") == nil { errors.required(FieldPath("eventTime")) }
        checkType(object, &errors)
        for (key, label) in [
            ("deprecatedFirstTimestamp", "firstTimestamp"), ("deprecatedLastTimestamp", "lastTimestamp"),
            ("deprecatedCount", "count"), ("deprecatedSource", "source"),
        ] where !isUnset(object.at(key)) {
            errors.invalid(FieldPath(label), "", "needs to be unset")
        }
        checkSeries(object, &errors)
        return errors
    }

    static func checkNewStyleUpdate(_ object: JSONValue, from old: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        for key in [
            "regarding", "reason", "note", "deprecatedSource", "deprecatedFirstTimestamp", "deprecatedLastTimestamp",
            "deprecatedCount", "type", "eventTime", "action", "related", "reportingController", "reportingInstance",
        ] {
            errors.immutable(FieldPath(key), object[key], old[key])
        }
        checkSeries(object, &errors)
        return errors
    }

    private static func checkType(_ object: JSONValue, _ errors: inout [FieldError]) {
        let type = object.text("type")
        if type != "Normal" && type != "Warning" {
            errors.invalid(FieldPath("type"), "", "has invalid value: \(type)")
        }
    }

    private static func checkSeries(_ object: JSONValue, _ errors: inout [FieldError]) {
        guard let series = object.at("series") else { return }
        if series["count"].int ?? 0 < 2 {
            errors.invalid(FieldPath("series").child("count"), "", "should be at least 2")
        }
        if series.at("lastObservedTime") == nil {
            errors.required(FieldPath("series").child("lastObservedTime"))
        }
    }

    private static func isUnset(_ value: JSONValue?) -> Bool {
        value == .integer(0) || JSONValue.areEqual(value, nil)
            || value?.object?.values.allSatisfy { JSONValue.areEqual($0, nil) } == true
    }

    private static func checkLength(_ text: String, _ limit: Int, _ path: FieldPath, _ errors: inout [FieldError]) {
        if text.utf8.count > limit { errors.invalid(path, "", "can have at most \(limit) characters") }
    }
}
