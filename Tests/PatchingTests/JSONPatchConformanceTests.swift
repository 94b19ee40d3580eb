import Foundation
import Testing

@testable import KubeModel
@testable import Patching

/// The cases of json-patch-tests, which lie beside the project where they were fetched.
@Suite("Conformance of JSON patches") struct JSONPatchConformanceTests {
    private static let folder = "../shared/conformance/json-patch"

    static let files = ["spec_tests.json", "tests.json"].filter {
        let isThere = FileManager.default.fileExists(atPath: "\(folder)/\($0)")
        if !isThere { print("skipped: \(folder)/\($0) is not there") }
        return isThere
    }

    /// Where Kubernetes' library, and so this one, is meant to differ: by the case's comment or its patch.
    private static let differences: [String: String] = [:]

    @Test(arguments: files)
    func `every case has the stated result, or a reason why not`(file: String) throws {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(file)")))
        var duplicates: [String] = []
        var untold: [String] = []
        for (place, test) in (try JSONParser.parse(bytes, duplicateKeys: &duplicates).array ?? []).enumerated() {
            guard let document = test["doc"], let patch = test["patch"], test["disabled"] != true else { continue }
            let name = test["comment"]?.string ?? patch.description
            if Self.differences[name] != nil { continue }
            let result = Result { () throws(PatchError) in try JSONPatch.apply(patch, to: document) }
            switch (result, test["expected"]) {
            case (.success(let value), let expected?) where value == expected: continue
            case (.failure, nil) where test["error"] != nil: continue
            case (.success, nil) where test["error"] == nil: continue
            default: untold.append("\(place) \(name): \(document) \(patch) gives \(result)")
            }
        }
        #expect(untold.isEmpty, "\(untold.count):\n\(untold.joined(separator: "\n"))")
    }
}
