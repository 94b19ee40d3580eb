import KubeModel

/// A selector that an object holds, as the text that `labelSelector` takes (Go's `labels.Selector.String`).
enum SelectorText {
    /// Text stays as it is; a `LabelSelector` and a map of labels become requirements in the order of their keys.
    /// "" for anything else.
    static func of(_ value: JSONValue?) -> String {
        guard let object = value?.object else { return value?.string ?? "" }
        let isLabelSelector = object["matchLabels"]?.object != nil || object["matchExpressions"]?.array != nil
        let labels = isLabelSelector ? object["matchLabels"]?.object ?? JSONObject() : object
        var requirements: [(key: String, text: String)] = []
        for (key, value) in labels { requirements.append((key, "\(key)=\(value.string ?? "")")) }
        for expression in isLabelSelector ? object["matchExpressions"]?.array ?? [] : [] {
            let key = expression["key"]?.string ?? ""
            let values = (expression["values"]?.array ?? []).compactMap(\.string).sorted().joined(separator: ",")
            switch expression["operator"]?.string {
            case "In": requirements.append((key, "\(key) in (\(values))"))
            case "NotIn": requirements.append((key, "\(key) notin (\(values))"))
            case "Exists": requirements.append((key, key))
            case "DoesNotExist": requirements.append((key, "!\(key)"))
            default: break
            }
        }
        // Requirements of one key keep their order.
        let sorted = requirements.enumerated().sorted {
            $0.element.key == $1.element.key ? $0.offset < $1.offset : $0.element.key < $1.element.key
        }
        return sorted.map(\.element.text).joined(separator: ",")
    }
}
