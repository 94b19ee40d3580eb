/// A path into an object, written as Kubernetes does: `spec.ports[0].name`, `metadata.annotations[key]`.
public struct FieldPath: Hashable, Sendable {
    /// One step of a path.
    public enum Step: Hashable, Sendable {
        case child(String)
        case index(Int)
        case key(String)
    }

    public private(set) var steps: [Step]

    /// The path of the given fields; none is the object itself.
    public init(_ names: String...) {
        steps = names.map { .child($0) }
    }

    public init(steps: [Step]) {
        self.steps = steps
    }

    public func child(_ name: String) -> FieldPath { appending(.child(name)) }

    public func child(_ names: String...) -> FieldPath {
        FieldPath(steps: steps + names.map { .child($0) })
    }

    public func index(_ position: Int) -> FieldPath {
        appending(.index(position))
    }

    public func key(_ name: String) -> FieldPath {
        appending(.key(name))
    }

    /// One allocation: rules make the paths of what they look at, whether or not they have something to say of it.
    private func appending(_ step: Step) -> FieldPath {
        var longer: [Step] = []
        longer.reserveCapacity(steps.count + 1)
        longer.append(contentsOf: steps)
        longer.append(step)
        return FieldPath(steps: longer)
    }
}

extension FieldPath: CustomStringConvertible {
    /// The empty path is `<nil>`, as in Go.
    public var description: String {
        guard !steps.isEmpty else { return "<nil>" }
        var text = ""
        for step in steps {
            switch step {
            case .child(let name): text += text.isEmpty ? name : ".\(name)"
            case .index(let position): text += "[\(position)]"
            case .key(let name): text += "[\(name)]"
            }
        }
        return text
    }
}
