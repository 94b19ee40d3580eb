import KubeModel

/// The selectors of a list or watch.
struct ObjectFilter: Sendable {
    let labels: Selector?
    let fields: FieldSelector?
    private let selectable: CachedObject.SelectableFields?

    /// - Parameter selectable: the kind's selectable fields besides name and namespace.
    init(labels: Selector?, fields: FieldSelector?, selectable: CachedObject.SelectableFields?) {
        self.labels = labels.flatMap { $0.isEverything ? nil : $0 }
        self.fields = fields.flatMap { $0.isEverything ? nil : $0 }
        self.selectable = selectable
    }

    var isEverything: Bool { labels == nil && fields == nil }

    func matches(_ object: CachedObject) -> Bool {
        if let labels, !object.matches(labels) { return false }
        guard let fields else { return true }
        return fields.requirements.allSatisfy {
            (object.field($0.path, selectable) == $0.value) == ($0.operator == .equals)
        }
    }

    /// The one object that can match, if the fields name it, as its key.
    func exactKey(namespace: String?, isNamespaced: Bool) -> String? {
        guard let name = fields?.exactValue(of: "metadata.name") else { return nil }
        guard isNamespaced else { return name }
        return (namespace ?? fields?.exactValue(of: "metadata.namespace")).map { "\($0)/\(name)" }
    }
}
