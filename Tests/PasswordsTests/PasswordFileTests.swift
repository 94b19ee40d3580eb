import Testing

@testable import Passwords

@Suite("Who may come with which password") struct PasswordFileTests {
    private static func admits(_ file: PasswordFile, _ user: String, _ password: String) -> Bool {
        let (hash, isUser) = file.hash(of: Array(user.utf8))
        return hash.matches(Array(password.utf8)) && isUser
    }

    @Test func `a file has a user on each line`() throws {
        let file = try PasswordFile(
            lines: Array(
                """
                # people
                ann:{PLAIN}one:and a comment
                \r
                bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\r
                ann:{PLAIN}two

                cy:{PLAIN}
                """.utf8))
        #expect(Self.admits(file, "ann", "one") && Self.admits(file, "bob", "secret") && Self.admits(file, "cy", ""))
        for (user, password) in [("ann", "two"), ("bob", "one"), ("dan", "one"), ("", ""), ("# people", "")] {
            #expect(!Self.admits(file, user, password), "\(user) \(password)")
        }
        #expect(file.remarks == ["line 5 has a user that was named before"])
    }

    @Test func `a map has a user for each key`() throws {
        let file = try PasswordFile(map: [
            "ann": Array("{PLAIN}one\n".utf8), "bob": Array("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=".utf8),
        ])
        #expect(Self.admits(file, "ann", "one") && Self.admits(file, "bob", "secret"))
        #expect(!Self.admits(file, "auth", "one"))
        #expect(file.remarks == [])
    }

    @Test func `whose password cannot be read cannot come in, and others can`() throws {
        let file = try PasswordFile(lines: Array("ann:{PLAIN}one\nbob:plain\ncy\n:{PLAIN}x\ndan:\n".utf8))
        #expect(Self.admits(file, "ann", "one"))
        for user in ["bob", "cy", "", "dan"] {
            for password in ["plain", "", "x"] { #expect(!Self.admits(file, user, password)) }
        }
        #expect(file.remarks.count == 4)
        #expect(file.remarks[0].hasPrefix("the password of line 2 is of a form that is not known"))
        #expect(!file.remarks.joined().contains("bob"))
    }

    @Test(arguments: ["", "# nobody\n", "ann:plain", "ann", "\u{0}"])
    func `without anybody there is none`(text: String) {
        #expect(throws: PasswordFile.Refusal.self) { try PasswordFile(lines: Array(text.utf8)) }
        #expect(throws: PasswordFile.Refusal.self) { try PasswordFile(map: [:]) }
    }

    @Test func `a file that takes long to read is none`() {
        func lines(_ count: Int) -> [UInt8] { Array((0..<count).map { "u\($0):{PLAIN}p\n" }.joined().utf8) }
        #expect((try? PasswordFile(lines: lines(PasswordFile.maxEntries))) != nil)
        #expect(throws: PasswordFile.Refusal(description: "it has more than 8192 entries")) {
            try PasswordFile(lines: lines(PasswordFile.maxEntries + 1))
        }
        let map = Dictionary(
            uniqueKeysWithValues: (0...PasswordFile.maxEntries).map { ("u\($0)", Array("{PLAIN}p".utf8)) })
        #expect((try? PasswordFile(map: map)) == nil)
    }

    @Test func `who is not there costs as much as who is`() throws {
        let slow = PasswordHashTests.ofSecret[0]
        let file = try PasswordFile(lines: Array("ann:{PLAIN}one\nbob:\(slow)\n".utf8))
        let (hash, isUser) = file.hash(of: Array("nobody".utf8))
        #expect(!isUser && hash.text == Array(slow.utf8) && !hash.isQuick)
    }

    @Test func `two that let in the same are equal`() throws {
        let one = try PasswordFile(lines: Array("ann:{PLAIN}one\n".utf8))
        #expect(try one == PasswordFile(map: ["ann": Array("{PLAIN}one".utf8)]))
        #expect(try one != PasswordFile(lines: Array("ann:{PLAIN}two\n".utf8)))
    }
}
