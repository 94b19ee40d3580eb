import Foundation
import Testing

@Suite("Files of the project") struct FileTests {
    /// Tables and state machines that read better whole.
    static let longerFiles: Set<String> = []
    static let longestFile = 600

    @Test func `a file's name is the name of a type it declares or extends`() throws {
        for file in try Sources.swiftFiles(below: "Sources") {
            let type = file.name.dropLast(".swift".count).split(separator: "+")[0]
            let declares = ["struct", "class", "enum", "actor", "protocol", "extension", "func", "typealias"].contains {
                file.text.contains("\($0) \(type)") || file.text.contains(".\(type)") || file.text.contains("[\(type)]")
                    || file.text.contains("\($0) \(type.prefix(1).lowercased())\(type.dropFirst())")
            }
            #expect(declares, "\(file.path) declares no \(type)")
        }
    }

    @Test func `a file's name says its role`() throws {
        let vague = ["Util", "Utils", "Helper", "Helpers", "Manager", "Common", "Misc", "Impl"]
        for file in try Sources.swiftFiles(below: "Sources") {
            let stem = String(file.name.dropLast(".swift".count))
            #expect(!vague.contains { stem.hasSuffix($0) }, "\(file.path)")
        }
    }

    @Test func `a file is short enough to read in one go`() throws {
        for file in try Sources.swiftFiles(below: "Sources") where !Self.longerFiles.contains(file.path) {
            #expect(file.lines.count <= Self.longestFile, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test(arguments: [
        ("LICENSE", "Apache License"), ("CONTRIBUTING.md", "make test"), ("SECURITY.md", "report"),
    ])
    func `who uses, changes or breaks it finds how`(file: String, words: String) throws {
        let text = try String(contentsOf: Sources.root.appending(path: file), encoding: .utf8)
        #expect(text.contains(words), "\(file) does not say \(words)")
    }

    @Test func `nothing is left for later and nothing from outside can trap`() throws {
        let markers = ["TO" + "DO", "FIX" + "ME", "try" + "!", "as" + "! "]
        for file in try Sources.swiftFiles(below: "Sources") {
            for (number, line) in file.lines.enumerated() {
                let found = markers.filter { line.contains($0) }
                #expect(found.isEmpty, "\(file.path):\(number + 1) contains \(found)")
            }
        }
    }

    @Test func `an unchecked Sendable says what protects it`() throws {
        for file in try Sources.swiftFiles(below: "Sources") {
            for (number, line) in file.lines.enumerated() where line.contains("@unchecked Sendable") {
                let context = file.lines[max(0, number - 12)...number].joined(separator: "\n")
                #expect(context.contains("//"), "\(file.path):\(number + 1) does not explain @unchecked Sendable")
            }
        }
    }

    @Test func `a suite's name is words, not a type`() throws {
        for file in try Sources.swiftFiles(below: "Tests") {
            var suite: Substring?
            for (number, line) in file.lines.enumerated() {
                // A type is named on its own line or on the one before.
                if line.firstMatch(of: #/^ *(?:@Suite.*)?(?:struct|final class|class|enum|actor) \w*Tests\b/#) != nil {
                    suite = file.lines[max(0, number - 4)...number].joined(separator: "\n")[...]
                }
                guard line.firstMatch(of: #/^ +@Test\b/#) != nil, let named = suite else { continue }
                #expect(
                    named.contains(#/@Suite\(\s*"[A-Za-z][^"]+"/#),
                    "\(file.path):\(number + 1) is in a suite without a name")
                suite = nil
            }
        }
    }

    @Test func `the README links only to files that exist`() throws {
        let readme = try String(contentsOf: Sources.root.appending(path: "README.md"), encoding: .utf8)
        for match in readme.matches(of: #/\]\(([^)#:]+)(#[^)]*)?\)/#) {
            let url = Sources.root.appending(path: String(match.output.1))
            #expect((try? url.checkResourceIsReachable()) == true, "README.md links to \(match.output.1)")
        }
    }
}
