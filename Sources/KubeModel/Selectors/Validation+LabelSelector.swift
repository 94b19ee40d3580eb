extension Validation {
    public static func labelSelector(_ selector: LabelSelector, at path: FieldPath) -> [FieldError] {
        var errors = labels(selector.matchLabels ?? [:], at: path.child("matchLabels"))
        for (index, requirement) in (selector.matchExpressions ?? []).enumerated() {
            let path = path.child("matchExpressions").index(index)
            let values = requirement.values ?? []
            switch requirement.`operator` {
            case "In", "NotIn":
                if values.isEmpty {
                    errors.append(
                        .required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"))
                }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    errors.append(
                        .forbidden(
                            path.child("values"),
                            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
                }
            default:
                errors.append(
                    .invalid(
                        path.child("operator"), .string(requirement.`operator`), "not a valid selector operator"))
            }
            errors += check(requirement.key, at: path.child("key"), qualifiedName)
            for (place, value) in values.enumerated() {
                errors += check(value, at: path.child("values").index(place), labelValue)
            }
        }
        return errors
    }
}
