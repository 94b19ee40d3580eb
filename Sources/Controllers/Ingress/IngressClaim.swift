import KubeModel

/// Decides which Ingresses are ours (Kubernetes, Ingress, "Ingress class").
struct IngressClaim: Sendable {
    static let legacyAnnotation = "kubernetes.io/ingress.class"
    static let defaultClassAnnotation = "ingressclass.kubernetes.io/is-default-class"

    let configuration: IngressControllerConfiguration

    /// What an Ingress says about its class.
    enum Mention: Equatable {
        case annotation(String)
        case field(String)
        case none
    }

    /// The legacy annotation counts before the field, as it did when there was no field.
    static func mention(of ingress: Ingress) -> Mention {
        if let name = ingress.metadata.annotations?[legacyAnnotation], !name.isEmpty { return .annotation(name) }
        if let name = ingress.spec?.ingressClassName, !name.isEmpty { return .field(name) }
        return .none
    }

    /// Whether an Ingress is ours.
    ///
    /// - An IngressClass object decides by its controller name, whether the field or the annotation names it.
    /// - Without such an object only our own class name counts: for the annotation always, for the field if configured.
    /// - An Ingress that names no class belongs to the default class; of several the newest counts, as in Kubernetes'
    ///   admission, then the first by name.
    func isOurs(_ ingress: Ingress, classes: [IngressClass]) -> Bool {
        switch Self.mention(of: ingress) {
        case .annotation(let name):
            if let found = classes.first(where: { $0.metadata.name == name }) { return isOurs(found) }
            return name == configuration.className
        case .field(let name):
            if let found = classes.first(where: { $0.metadata.name == name }), isOurs(found) { return true }
            return configuration.claimsClassByName && name == configuration.className
        case .none:
            if let chosen = Self.defaultClass(classes) { return isOurs(chosen) }
            return configuration.claimsIngressesWithoutClass
        }
    }

    /// The name of the class that an Ingress belongs to, if it has one.
    static func className(of ingress: Ingress, classes: [IngressClass]) -> String? {
        switch mention(of: ingress) {
        case .annotation(let name), .field(let name): name
        case .none: defaultClass(classes)?.metadata.name
        }
    }

    static func defaultClass(_ classes: [IngressClass]) -> IngressClass? {
        classes.filter { $0.metadata.annotations?[defaultClassAnnotation] == "true" }.min { left, right in
            guard left.metadata.creationTimestamp != right.metadata.creationTimestamp,
                let first = left.metadata.creationTimestamp, let second = right.metadata.creationTimestamp
            else { return (left.metadata.name ?? "") < (right.metadata.name ?? "") }
            return first > second
        }
    }

    private func isOurs(_ ingressClass: IngressClass) -> Bool {
        ingressClass.spec?.controller == configuration.controllerName
    }
}
