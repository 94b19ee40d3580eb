import TestSupport
import Testing

@testable import DataPlane

@Suite("The format of a Corefile") struct CorefileTests {
    private func words(_ corefile: Corefile) -> [[String]] { corefile.servers.flatMap { $0.directives.map(\.words) } }

    private func failure(_ text: String, files: [String: String] = [:]) -> Corefile.Failure? {
        do {
            _ = try Corefile(text, files: files)
            return nil
        } catch { return error }
    }

    @Test func `server blocks have zones, and directives arguments and blocks, each with its line`() throws {
        let corefile = try Corefile(
            """
            # a comment
            .:53 example.com, {
                errors   # behind it
                kubernetes cluster.local {
                    pods insecure
                }
            }
            dns://other.example {
            }
            """)
        #expect(corefile.servers.map(\.addresses) == [[".:53", "example.com"], ["dns://other.example"]])
        #expect(corefile.servers.map(\.line) == [2, 8])
        let directives = try #require(corefile.servers.first?.directives)
        #expect(directives.map(\.words) == [["errors"], ["kubernetes", "cluster.local"]])
        #expect(directives.map(\.line) == [3, 4])
        #expect(directives[1].block.map(\.words) == [["pods", "insecure"]] && directives[1].block[0].line == 5)
    }

    @Test func `zones go on in the next line behind a comma`() throws {
        let corefile = try Corefile("a.example,\nb.example {\n whoami\n}")
        #expect(corefile.servers.map(\.addresses) == [["a.example", "b.example"]])
    }

    @Test func `a single server needs no braces`() throws {
        let corefile = try Corefile("example.com\nforward . 192.0.2.1 {\n except a\n}\nlog")
        #expect(corefile.servers.map(\.addresses) == [["example.com"]])
        #expect(words(corefile) == [["forward", ".", "192.0.2.1"], ["log"]])
    }

    @Test func `text in quotes is one word, over lines too, and braces in it are text`() throws {
        let corefile = try Corefile(
            #"""
            . {
                template IN A {
                    answer "{{ .Name }} 60 \"IN\" A \d"
                    other "two
            lines" {$kept} "{$quoted}"
                }
            }
            """#.replacing("{$kept}", with: "x"))
        let block = try #require(corefile.servers.first?.directives.first?.block)
        #expect(
            block.map(\.words) == [
                ["answer", #"{{ .Name }} 60 "IN" A \d"#], ["other", "two\nlines", "x", "{$quoted}"],
            ])
        #expect(block.map(\.line) == [3, 4])
    }

    @Test func `what is behind an opening brace is the first line of the block, and an empty block may close at once`()
        throws
    {
        let corefile = try Corefile(
            """
            . { errors
                hosts { 192.0.2.1 one.example # here
                    192.0.2.2 two.example
                }
                reload { }
            }
            """)
        let directives = try #require(corefile.servers.first?.directives)
        #expect(directives.map(\.words) == [["errors"], ["hosts"], ["reload"]])
        #expect(directives[1].block.map(\.words) == [["192.0.2.1", "one.example"], ["192.0.2.2", "two.example"]])
        #expect(directives[1].block.map(\.line) == [2, 3])
        #expect(directives[2].block.isEmpty)
        // CoreDNS would take the brace for a name.
        #expect(failure(". {\n hosts { 192.0.2.1 one.example }\n}") != nil)
    }

    @Test func `a snippet stands where it is imported, with its arguments`() throws {
        let corefile = try Corefile(
            """
            (shared) {
                errors
                forward . {args[0]} {args[1]}
            }
            . {
                import shared 192.0.2.1 192.0.2.2
            }
            """)
        #expect(words(corefile) == [["errors"], ["forward", ".", "192.0.2.1", "192.0.2.2"]])
    }

    @Test func `files are imported by name and by pattern, as directives and as servers`() throws {
        let files = ["/c/b.override": "log\nwhoami", "/c/a.override": "errors", "/c/x.server": "x whoami2\n"]
        let text = ". {\n import /c/*.override\n}\nimport /c/*.server\nimport /c/*.none"
        #expect(
            failure(text, files: files)?.description
                == "/c/x.server, line 1: a server block begins with its zones and {")
        var good = files
        good["/c/x.server"] = "x {\n whoami2\n}\n"
        let corefile = try Corefile(text, files: good)
        #expect(words(corefile) == [["errors"], ["log"], ["whoami"], ["whoami2"]])
        #expect(corefile.servers[0].directives.map(\.place.description).contains("/c/b.override, line 2"))
    }

    @Test(arguments: [
        ("", 1), (". {\n errors\n", 1), (". {\n}}\n", 1), (". {\n a } b\n}", 2), (". {\n {\n }\n}", 2),
        (". {\n log \"open\n}\n", 2),
        (". {\n import nothing\n}", 2), (". {\n import\n}", 2), ("{\n}", 1), (". {\n}\nexample.com\n", 3),
        ("(a) {\n import a\n}\n. {\n import a\n}", 2), ("(a) {\n}\n(a) {\n}\n. {\n}", 3), ("}", 1),
    ])
    func `what is no Corefile is refused with the line`(text: String, line: Int) {
        #expect(failure(text)?.place.line == line, "\(text): \(String(describing: failure(text)))")
    }

    @Test(arguments: [
        "\u{FEFF}. {\n errors\n}", "\u{FEFF}.:53 {\r\n errors\r\n}\r\n", "\u{FEFF}# none\n. {\n errors\n}",
    ])
    func `a byte order mark and the ends of lines of Windows say nothing`(text: String) throws {
        #expect(words(try Corefile(text)) == [["errors"]])
        let imported = try Corefile(
            ". {\n import /a\n}", files: ["/a": text.contains("{") ? "\u{FEFF}errors\r\n" : text])
        #expect(words(imported) == [["errors"]])
    }

    @Test func `lines with a variable of the environment are marked, those with one in quotes are not`() throws {
        let corefile = try Corefile(". {\n forward . {$SERVER}\n log {%X%} {\n }\n whoami \"{$X}\"\n}")
        #expect(corefile.servers[0].directives.map(\.hasVariable) == [true, true, false])
    }

    @Test func `neither depth nor what snippets make of a text is without bound`() {
        let deep = ". {\n" + String(repeating: "a {\n", count: 20) + String(repeating: "}\n", count: 21)
        #expect(failure(deep) != nil)
        var bomb = "(s0) {\n errors a b c d e f g\n}\n"
        for level in 1...7 {
            bomb += "(s\(level)) {\n" + String(repeating: " import s\(level - 1)\n", count: 10) + "}\n"
        }
        #expect(failure(bomb + ". {\n import s7\n}") != nil)
        #expect(failure(String(repeating: "#", count: Corefile.sizeLimit + 1)) != nil)
        // The text is a key of its ConfigMap, which counts once.
        let long = ".:53 { errors\n}\n" + String(repeating: "#", count: Corefile.sizeLimit * 3 / 4)
        #expect(throws: Never.self) { try Corefile(long, files: ["/etc/coredns/Corefile": long]) }
        #expect(throws: Corefile.Failure.self) { try Corefile(long, files: ["/etc/coredns/other": long + "#"]) }
    }

    @Test(arguments: 0..<200)
    func `any text is a Corefile or has a line that is wrong`(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var bytes = Array(NamesPlanTests.usual.utf8)
        let pieces = ["{", "}", "\"", "\n", " ", "import ", "(a)", "*", "#", "\\", "{$X}", ",", "{args[0]}", "é"]
        for _ in 0..<8 {
            let place = Int.random(in: 0...bytes.count, using: &random)
            if Bool.random(using: &random), place + 20 < bytes.count {
                bytes.removeSubrange(place..<(place + Int.random(in: 1...20, using: &random)))
            } else {
                bytes.insert(
                    contentsOf: Array(pieces.randomElement(using: &random).map { $0.utf8 } ?? "".utf8), at: place)
            }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).count
        if let failure = failure(text) { #expect((1...lines).contains(failure.place.line), "\(text)") }
    }
}
