import KubeModel

/// A selector that an object holds, as the text that `labelSelector` takes (Go's `labels.Selector.String`).
enum SelectorText {
    /// Text stays as it is; a `LabelSelector` and a map of labels become requirements in the order of their keys.
    /// "" for anything else.
    static func of(_ value: JSONValue?) -> String {
        guard let object = value?.object else { return value?.string ?? "" }
        let isLabelSelector = object["matchLabels"]?.object != nil || object["matchExpressions"]?.array != nil
        guard isLabelSelector else { return Selector(labels: object.strings).description }
        guard let selector = LabelSelector(document: value) else { return "" }
        // A stored selector has passed validation; one that has not selects nothing that could be named.
        return (try? Selector(selector))?.description ?? ""
    }
}
