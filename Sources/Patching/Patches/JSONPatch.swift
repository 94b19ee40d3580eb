public import KubeModel

/// JSON Patch (RFC 6902), the media type `application/json-patch+json`.
public enum JSONPatch {
    /// Kubernetes' limit.
    public static let maximumOperations = 10_000
    /// What `copy` may add to a document, counted in nodes plus bytes of text; a request's size limit.
    static let copyBudget = 3 << 20
    /// Members that operations may go through besides their own values, so that a small patch cannot keep a core busy: each
    /// takes about a tenth of a microsecond, to be looked at or to be found anew behind one that was removed.
    static let workBudget = 4_000_000
    /// So many elements of a list move along in the time of one.
    static let shiftedPerUnit = 16
    /// How deep the patched document may nest.
    static let maximumDepth = 100

    /// Applies an array of operations, all or none.
    public static func apply(_ patch: JSONValue, to document: JSONValue) throws(PatchError) -> JSONValue {
        let operations = try parse(patch)
        var application = JSONPatchApplication(document)
        for operation in operations { try application.apply(operation) }
        return application.document
    }

    /// Members that no operation has, as a strict decoder reports them: `json patch unknown field "[0].values"`.
    public static func unknownMembers(of patch: JSONValue) -> [String] {
        var found: [String] = []
        for (index, operation) in (patch.array ?? []).enumerated() {
            guard case .object(let object) = operation else { continue }
            for key in object.keys where !["op", "path", "from", "value"].contains(key) {
                found.append("json patch unknown field \(goQuoted("[\(index)].\(key)"))")
            }
        }
        return found
    }

    struct Operation {
        enum Action {
            case add(JSONValue)
            case remove
            case replace(JSONValue)
            case move(from: JSONPointer)
            case copy(from: JSONPointer)
            case test(JSONValue)
        }

        var name: String
        var path: JSONPointer
        var action: Action
    }

    static func parse(_ patch: JSONValue) throws(PatchError) -> [Operation] {
        guard case .array(let elements) = patch else {
            throw PatchError(
                .malformed,
                "error decoding patch: json: cannot unmarshal \(goTypeName(patch)) into Go value of type "
                    + "[]handlers.jsonPatchOp")
        }
        guard elements.count <= maximumOperations else {
            throw PatchError(
                .tooLarge,
                "The allowed maximum operations in a JSON patch is \(maximumOperations), got \(elements.count)")
        }
        var result: [Operation] = []
        result.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            func malformed(_ message: String) -> PatchError {
                PatchError(.doesNotApply, "operation \(index) of the JSON patch: \(message)")
            }
            guard case .object(let object) = element else {
                throw PatchError(
                    .malformed,
                    "error decoding patch: json: cannot unmarshal \(goTypeName(element)) into Go value of type "
                        + "handlers.jsonPatchOp")
            }
            guard let name = object["op"].string else { throw malformed("needs op") }
            func pointer(_ member: String) throws(PatchError) -> JSONPointer {
                guard let text = object[member].string else { throw malformed("needs \(member)") }
                guard let pointer = JSONPointer(text) else {
                    throw malformed("\(member) is no JSON pointer: \(goQuoted(text))")
                }
                return pointer
            }
            func value() throws(PatchError) -> JSONValue {
                guard let value = object["value"] else { throw malformed("needs value") }
                return value
            }
            let action: Operation.Action
            switch name {
            case "add": action = .add(try value())
            case "remove": action = .remove
            case "replace": action = .replace(try value())
            case "move": action = .move(from: try pointer("from"))
            case "copy": action = .copy(from: try pointer("from"))
            case "test": action = .test(try value())
            default: throw malformed("unexpected kind: \(name)")
            }
            result.append(Operation(name: name, path: try pointer("path"), action: action))
        }
        return result
    }
}

/// The document while operations are applied, and what they have cost so far.
///
/// A list or object is taken out of its place before it is changed, and nothing else holds it then: `switch` would hold what it
/// looks at until its end where code is not optimised, and each change of a long list would copy the list.
private struct JSONPatchApplication {
    private(set) var document: JSONValue
    private var copied = 0
    private var work = 0

    init(_ document: JSONValue) {
        self.document = document
    }

    mutating func apply(_ operation: JSONPatch.Operation) throws(PatchError) {
        do {
            switch operation.action {
            case .add(let value): try insert(value, operation.path)
            case .remove: _ = try take(operation.path)
            case .replace(let value):
                try checkDepth(of: value, below: operation.path)
                var target = document
                document = .null
                try replace(operation.path.tokens[...], in: &target, with: value)
                document = target
            case .move(let from):
                guard
                    !(operation.path.tokens.count > from.tokens.count
                        && operation.path.tokens.starts(with: from.tokens))
                else { throw Problem("cannot move a value into itself") }
                let value = try take(from)
                try insert(value, operation.path)
            case .copy(let from):
                let value = try read(from)
                copied += size(of: value, limit: JSONPatch.copyBudget - copied)
                guard copied <= JSONPatch.copyBudget else {
                    throw Problem("the accumulated size increase of copy exceeds the limit \(JSONPatch.copyBudget)")
                }
                try insert(value, operation.path)
            case .test(let expected):
                guard try read(operation.path) == expected else { throw Problem("value differs") }
            }
        } catch let problem as Problem {
            throw PatchError(
                .doesNotApply, "\(operation.name) operation does not apply: \(operation.path): \(problem.message)")
        } catch let error as PatchError {
            throw error
        } catch {
            throw PatchError(.doesNotApply, "\(error)")
        }
        guard work <= JSONPatch.workBudget else { throw JSONPatchApplication.tooMuchWork }
    }

    private static let tooMuchWork = PatchError(
        .tooLarge,
        "the operations of the JSON patch go through more than \(JSONPatch.workBudget) members of the document in all")

    private struct Problem: Error {
        let message: String

        init(_ message: String) {
            self.message = message
        }

        static let missing = Problem("doc is missing path")
    }

    private func read(_ pointer: JSONPointer) throws -> JSONValue {
        var current = document
        for token in pointer.tokens {
            switch current {
            case .object(let object):
                guard let next = object[token] else { throw Problem.missing }
                current = next
            case .array(let elements):
                guard let index = JSONPointer.index(token, upTo: elements.count - 1) else { throw Problem.missing }
                current = elements[index]
            default: throw Problem.missing
            }
        }
        return current
    }

    private mutating func insert(_ value: JSONValue, _ path: JSONPointer) throws {
        try checkDepth(of: value, below: path)
        var target = document
        document = .null
        try insert(path.tokens[...], in: &target, value)
        document = target
    }

    private mutating func insert(_ path: ArraySlice<String>, in target: inout JSONValue, _ value: JSONValue) throws {
        guard let token = path.first else {
            target = value
            return
        }
        let rest = path.dropFirst()
        if var elements = target.array {
            target = .null
            if rest.isEmpty {
                let end = elements.count
                guard let index = token == "-" ? end : JSONPointer.index(token, upTo: end) else {
                    throw Problem("index \(token) is out of range")
                }
                work += (end - index) / JSONPatch.shiftedPerUnit
                elements.insert(value, at: index)
            } else {
                guard let index = JSONPointer.index(token, upTo: elements.count - 1) else { throw Problem.missing }
                try insert(rest, in: &elements[index], value)
            }
            target = .array(elements)
        } else if var object = target.object {
            target = .null
            if rest.isEmpty {
                object[token] = value
            } else {
                guard var member = object[token] else { throw Problem.missing }
                object[token] = .null
                try insert(rest, in: &member, value)
                object[token] = member
            }
            target = .object(object)
        } else {
            throw Problem.missing
        }
    }

    private mutating func replace(
        _ path: ArraySlice<String>, in target: inout JSONValue, with value: JSONValue
    ) throws {
        guard let token = path.first else {
            target = value
            return
        }
        if var elements = target.array {
            guard let index = JSONPointer.index(token, upTo: elements.count - 1) else { throw Problem.missing }
            target = .null
            try replace(path.dropFirst(), in: &elements[index], with: value)
            target = .array(elements)
        } else if var object = target.object {
            guard var member = object[token] else { throw Problem.missing }
            target = .null
            object[token] = .null
            try replace(path.dropFirst(), in: &member, with: value)
            object[token] = member
            target = .object(object)
        } else {
            throw Problem.missing
        }
    }

    private mutating func take(_ path: JSONPointer) throws -> JSONValue {
        var target = document
        document = .null
        let value = try take(path.tokens[...], from: &target)
        document = target
        return value
    }

    private mutating func take(_ path: ArraySlice<String>, from target: inout JSONValue) throws -> JSONValue {
        guard let token = path.first else {
            defer { target = .null }
            return target
        }
        let rest = path.dropFirst()
        let taken: JSONValue
        if var elements = target.array {
            guard let index = JSONPointer.index(token, upTo: elements.count - 1) else { throw Problem.missing }
            target = .null
            if rest.isEmpty {
                work += (elements.count - index) / JSONPatch.shiftedPerUnit
                taken = elements.remove(at: index)
            } else {
                taken = try take(rest, from: &elements[index])
            }
            target = .array(elements)
        } else if var object = target.object {
            guard var member = object[token] else { throw Problem.missing }
            target = .null
            if rest.isEmpty {
                work += object.count
                taken = member
                object[token] = nil
            } else {
                object[token] = .null
                taken = try take(rest, from: &member)
                object[token] = member
            }
            target = .object(object)
        } else {
            throw Problem.missing
        }
        return taken
    }

    private mutating func checkDepth(of value: JSONValue, below path: JSONPointer) throws {
        guard fits(value, depth: path.tokens.count) else { throw Problem("exceeded max depth") }
    }

    private mutating func fits(_ value: JSONValue, depth: Int) -> Bool {
        work += 1
        guard work <= JSONPatch.workBudget else { return true }
        switch value {
        case .array(let elements):
            guard depth < JSONPatch.maximumDepth else { return false }
            for element in elements where !fits(element, depth: depth + 1) { return false }
            return true
        case .object(let object):
            guard depth < JSONPatch.maximumDepth else { return false }
            for (_, member) in object where !fits(member, depth: depth + 1) { return false }
            return true
        default:
            return true
        }
    }

    /// Nodes plus bytes of text; stops counting above the limit.
    private func size(of value: JSONValue, limit: Int) -> Int {
        switch value {
        case .string(let text): return 1 + text.utf8.count
        case .array(let elements):
            var total = 1
            for element in elements where total <= limit { total += size(of: element, limit: limit - total) }
            return total
        case .object(let object):
            var total = 1
            for (key, member) in object where total <= limit {
                total += key.utf8.count + size(of: member, limit: limit - total)
            }
            return total
        default: return 1
        }
    }
}
