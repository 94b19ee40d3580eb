/// Why a document and a typed struct do not fit.
public struct ObjectCodingError: Error, Hashable, Sendable {
    /// The field: `spec.ports[0].port`. Empty for the object itself.
    public var path: String
    public var message: String

    public init(path: String, message: String) {
        self.path = path
        self.message = message
    }

    init(_ error: any Error) {
        switch error {
        case let error as ObjectCodingError:
            self = error
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            self.init(path: codingPathText(context.codingPath), message: context.debugDescription)
        case DecodingError.keyNotFound(let key, let context):
            self.init(path: codingPathText(context.codingPath + [key]), message: "required field is missing")
        case EncodingError.invalidValue(_, let context):
            self.init(path: codingPathText(context.codingPath), message: context.debugDescription)
        default:
            self.init(path: "", message: "\(error)")
        }
    }
}

extension ObjectCodingError: CustomStringConvertible {
    public var description: String { path.isEmpty ? message : "\(path): \(message)" }
}

private func codingPathText(_ path: [any CodingKey]) -> String {
    guard !path.isEmpty else { return "" }
    return FieldPath(steps: path.map { key in key.intValue.map { .index($0) } ?? .child(key.stringValue) }).description
}

/// A step of a coding path; kept as a chain, so that descending allocates one small node instead of an array.
final class CodingStep: Sendable {
    let parent: CodingStep?
    let step: FieldPath.Step

    init(_ parent: CodingStep?, _ step: FieldPath.Step) {
        self.parent = parent
        self.step = step
    }

    static func keys(_ last: CodingStep?) -> [any CodingKey] {
        var result: [any CodingKey] = []
        var current = last
        while let step = current {
            result.append(AnyKey(step.step))
            current = step.parent
        }
        return result.reversed()
    }
}

/// A key of any object or array.
struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ step: FieldPath.Step) {
        switch step {
        case .child(let name), .key(let name):
            stringValue = name
            intValue = nil
        case .index(let index):
            stringValue = "\(index)"
            intValue = index
        }
    }

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        stringValue = "\(intValue)"
        self.intValue = intValue
    }
}
