import Foundation
import Testing

@testable import CEL
@testable import KubeModel

/// The conformance data of cel-spec, which lies beside the project where it was fetched.
@Suite("Conformance with cel-spec") struct CELConformanceTests {
    private static let folder = "../shared/conformance/cel"

    static let files: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        if names.isEmpty { print("skipped: \(folder) is not there") }
        return names.filter { $0.hasSuffix(".textproto") }.sorted()
    }()

    @Test(arguments: files)
    func `every case has the result that cel-spec states, or a reason why not`(file: String) throws {
        let untold = try Self.differences(in: file).filter { $0.entry == nil }.map(\.description)
        #expect(untold.isEmpty, "\(untold.count):\n\(untold.joined(separator: "\n"))")
    }

    @Test(.enabled(if: !files.isEmpty, "the conformance data is not there"))
    func `every listed difference is still one`() throws {
        let found = try Self.files.flatMap { try Self.differences(in: $0).compactMap { $0.entry?.key } }
        #expect(ConformanceDifferences.keys.subtracting(found).sorted() == [], "these hold now, or are gone")
    }

    private struct Difference: CustomStringConvertible {
        let entry: ConformanceDifferences.Entry?
        let description: String
    }

    private static func differences(in file: String) throws -> [Difference] {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)"))
        let set = String(file.dropLast(".textproto".count))
        var differences: [Difference] = []
        for section in try TextProto(Array(bytes)).messages("section") {
            for test in section.messages("test") {
                let name = "\(set)/\(section.text("name") ?? "")/\(test.text("name") ?? "")"
                guard let difference = ConformanceCase(test).difference else { continue }
                differences.append(
                    Difference(
                        entry: ConformanceDifferences.entry(for: name, test, difference),
                        description: "\(name): \(test.text("expr") ?? "") \(difference)"))
            }
        }
        return differences
    }
}

/// One `SimpleTest`.
struct ConformanceCase {
    let test: TextProto

    init(_ test: TextProto) {
        self.test = test
    }

    /// nil when the case holds.
    var difference: String? {
        guard let source = test.text("expr") else { return "has no expression" }
        let wanted = test.message("value") ?? test.message("typed_result")?.message("result")
        let variables = bindings
        switch (outcome(source, variables), wanted) {
        case (.success(let value), let wanted?):
            guard let expected = ConformanceValue.read(wanted) else { return "expects a value that is unknown here" }
            return ConformanceValue.isSame(value, expected) ? nil : "is \(value), not \(expected)"
        case (.success(let value), nil):
            if test.message("eval_error") != nil { return "is \(value) instead of an error" }
            // What says nothing of a result expects true, or only that it compiles.
            if test.text("check_only") == "true" { return nil }
            return ConformanceValue.isSame(value, .bool(true)) ? nil : "is \(value), not true"
        case (.failure, nil) where test.message("eval_error") != nil: return nil
        case (.failure(let failure), _): return "fails: \(failure.message)"
        }
    }

    struct Failure: Error {
        let message: String
    }

    private func outcome(_ source: String, _ variables: [(name: String, value: CELValue)]) -> Result<CELValue, Failure>
    {
        let compilation: CELCompilation
        do throws(CELProblem) {
            compilation = try CELCompilation.compile(source, variables: variables.map(\.name))
        } catch {
            return .failure(Failure(message: "\(error)"))
        }
        do throws(CELFailure) {
            var evaluator = CELEvaluator(
                compilation.program, self: .null, oldSelf: .null, variables: variables.map(\.value),
                deadline: CELDeadline(secondsFromNow: 10))
            return .success(try evaluator.run())
        } catch {
            return .failure(Failure(message: error.message))
        }
    }

    private var bindings: [(name: String, value: CELValue)] {
        test.messages("bindings").compactMap { binding in
            guard let name = binding.text("key"),
                let value = binding.message("value")?.message("value").flatMap(ConformanceValue.read)
            else { return nil }
            return (name, value)
        }
    }
}

/// `cel.expr.Value`.
enum ConformanceValue {
    static func read(_ message: TextProto) -> CELValue? {
        guard let (name, value) = message.fields.first else { return nil }
        switch (name, value) {
        case ("null_value", _): return .null
        case ("bool_value", .word(let word)): return .bool(word == "true")
        case ("int64_value", .word(let word)): return number(word).map { .int($0) }
        case ("uint64_value", .word(let word)): return UInt64(word).map { .uint($0) }
        case ("double_value", .word(let word)): return double(word).map { .double($0) }
        case ("string_value", .text(let bytes)): return .string(String(decoding: bytes, as: UTF8.self))
        case ("bytes_value", .text(let bytes)): return .bytes(bytes)
        case ("type_value", .text(let bytes)): return .type(String(decoding: bytes, as: UTF8.self))
        case ("list_value", .message(let list)):
            let values = list.messages("values").map(read)
            return values.contains { $0 == nil } ? nil : .list(values.compactMap { $0 })
        case ("map_value", .message(let map)):
            var result = CELMap()
            for entry in map.messages("entries") {
                guard let key = entry.message("key").flatMap(read), let value = entry.message("value").flatMap(read),
                    (try? result.insert(key, value)) != nil
                else { return nil }
            }
            return .map(result)
        case ("object_value", .message(let object)):
            guard let first = object.fields.first, case .message(let fields) = first.value else { return nil }
            let type = first.name
            let seconds = fields.text("seconds").flatMap { Int64($0) } ?? 0
            let nanos = fields.text("nanos").flatMap { Int64($0) } ?? 0
            if type.hasSuffix("google.protobuf.Duration]") { return .duration(seconds * 1_000_000_000 + nanos) }
            if type.hasSuffix("google.protobuf.Timestamp]") {
                return .timestamp(CELTime(seconds: seconds, nanoseconds: nanos))
            }
            return nil
        default: return nil
        }
    }

    private static func number(_ word: String) -> Int64? { Int64(word) }

    private static func double(_ word: String) -> Double? {
        switch word {
        case "inf", "infinity", "Infinity": .infinity
        case "-inf", "-infinity", "-Infinity": -.infinity
        case "nan", "NaN": .nan
        default: Double(word)
        }
    }

    /// Equal, and of the same type; not-a-number is itself here.
    static func isSame(_ left: CELValue, _ right: CELValue) -> Bool {
        switch (left, right) {
        case (.double(let left), .double(let right)): return left == right || left.isNaN && right.isNaN
        case (.int, .int), (.uint, .uint), (.string, .string), (.bytes, .bytes), (.bool, .bool), (.null, .null),
            (.type, .type), (.duration, .duration), (.timestamp, .timestamp):
            return (try? CELValue.areEqual(left, right)) == true
        case (.optional(let value?), let right): return isSame(value, right)
        default:
            guard let first = (try? left.elements()) ?? nil, let second = (try? right.elements()) ?? nil else {
                return left.mapCount != nil && right.mapCount != nil && (try? CELValue.areEqual(left, right)) == true
            }
            return first.count == second.count && zip(first, second).allSatisfy { isSame($0, $1) }
        }
    }
}
