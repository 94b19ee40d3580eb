internal import CCrypt
internal import COpenSSL

/// What is kept of a password, in one of the forms of htpasswd files: bcrypt (`$2a$`, `$2b$`, `$2y$`), Apache's MD5 (`$apr1$`), MD5,
/// SHA-256 and SHA-512 of crypt(5) (`$1$`, `$5$`, `$6$`), `{SHA}`, `{SSHA}` (RFC 2307) and `{PLAIN}`, as nginx reads them.
///
/// A form that is not known, or that costs more than about a second, is refused: whoever may write it must not have the
/// machine's time for that.
package struct PasswordHash: Hashable, Sendable {
    private enum Form: Hashable {
        case crypt
        case apr1(salt: [UInt8])
        case digest([UInt8], salt: [UInt8])
        case plain([UInt8])
    }

    /// Why a text is none, in words that follow it.
    package struct Refusal: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// The longest password that is looked at: what libcrypt takes.
    package static let maxPasswordBytes = 511

    private let form: Form
    /// As it is written.
    package let text: [UInt8]

    package init(_ text: some Collection<UInt8>) throws(Refusal) {
        self.text = Array(text)
        form = try Self.read(self.text)
    }

    /// Whether a check takes no longer than a digest of a short text.
    package var isQuick: Bool {
        switch form {
        case .crypt, .apr1: false
        case .digest, .plain: true
        }
    }

    /// Takes up to about a second where it is not ``isQuick``. A password that is longer than ``maxPasswordBytes`` or has a zero in
    /// it is none.
    package func matches(_ password: [UInt8]) -> Bool {
        if password.count > Self.maxPasswordBytes || password.contains(0) { return false }
        switch form {
        case .plain(let kept): return Self.isSame(kept, password)
        case .digest(let kept, let salt): return Self.isSame(kept, Self.sha1(password + salt))
        case .apr1(let salt): return Self.isSame(text, APR1.hash(password, salt: salt))
        case .crypt:
            return (password + [0]).withUnsafeBufferPointer { password in
                (text + [0]).withUnsafeBufferPointer { text in
                    password.withMemoryRebound(to: CChar.self) { password in
                        text.withMemoryRebound(to: CChar.self) { text in
                            guard let password = password.baseAddress, let text = text.baseAddress else { return false }
                            return martlet_crypt_matches(password, text) == 1
                        }
                    }
                }
            }
        }
    }

    // MARK: Reading

    private static func read(_ text: [UInt8]) throws(Refusal) -> Form {
        let string = String(decoding: text, as: UTF8.self)
        if text.isEmpty { throw Refusal(description: "is empty") }
        if string.hasPrefix("{PLAIN}") { return .plain(Array(text.dropFirst(7))) }
        if string.hasPrefix("{SHA}") {
            guard let digest = Base64Text.decode(text.dropFirst(5)), digest.count == 20 else {
                throw Refusal(description: "is no {SHA} with 20 bytes")
            }
            return .digest(digest, salt: [])
        }
        if string.hasPrefix("{SSHA}") {
            guard let bytes = Base64Text.decode(text.dropFirst(6)), (21...148).contains(bytes.count) else {
                throw Refusal(description: "is no {SSHA} with 20 bytes and a salt")
            }
            return .digest(Array(bytes.prefix(20)), salt: Array(bytes.dropFirst(20)))
        }
        if string.hasPrefix("$apr1$"), let match = string.wholeMatch(of: /\$apr1\$([^$:]{0,8})\$[.\/0-9A-Za-z]{22}/) {
            return .apr1(salt: Array(match.output.1.utf8))
        }
        if isBcrypt(text) { return .crypt }
        try checkCost(string)
        guard (text + [0]).withUnsafeBufferPointer({ isKnown($0) }) else {
            throw Refusal(description: "is of a form that libcrypt does not know here")
        }
        return .crypt
    }

    private static func isKnown(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.withMemoryRebound(to: CChar.self) { text in
            text.baseAddress.map { martlet_crypt_knows($0) == 1 } ?? false
        }
    }

    /// As nearly all are, told apart without an expression: a file may have thousands. Of a cost that is from 4 to 14.
    private static func isBcrypt(_ text: [UInt8]) -> Bool {
        guard text.count == 60, text[0] == 0x24, text[1] == 0x32, "aby".utf8.contains(text[2]), text[3] == 0x24,
            text[6] == 0x24, text[7...].allSatisfy(isCryptCharacter)
        else { return false }
        return text[4] == 0x30 && 0x34...0x39 ~= text[5] || text[4] == 0x31 && 0x30...0x34 ~= text[5]
    }

    private static func isCryptCharacter(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte &- 0x2E < 12
    }

    private static func checkCost(_ text: String) throws(Refusal) {
        guard text.hasPrefix("$") else {
            if text.utf8.count == 13, text.utf8.allSatisfy(isCryptCharacter) {
                throw Refusal(description: "is DES, of which only the first eight characters count")
            }
            throw Refusal(description: Self.unknownForm)
        }
        if let match = text.wholeMatch(of: /\$2[aby]\$([0-9]{2})\$[.\/0-9A-Za-z]{53}/) {
            guard let cost = Int(match.output.1), (4...14).contains(cost) else {
                throw Refusal(description: "is bcrypt with a cost that is not from 4 to 14")
            }
            return
        }
        if text.wholeMatch(of: /\$1\$[^$:]{0,8}\$[.\/0-9A-Za-z]{22}/) != nil { return }
        let sha256 = /\$5\$(?:rounds=([0-9]+)\$)?[^$:]{0,16}\$[.\/0-9A-Za-z]{43}/
        let sha512 = /\$6\$(?:rounds=([0-9]+)\$)?[^$:]{0,16}\$[.\/0-9A-Za-z]{86}/
        if let match = text.wholeMatch(of: sha256) ?? text.wholeMatch(of: sha512) {
            guard let rounds = match.output.1 else { return }
            guard let count = Int(rounds), (1_000...500_000).contains(count) else {
                throw Refusal(description: "has a number of rounds that is not from 1000 to 500000")
            }
            return
        }
        throw Refusal(description: Self.unknownForm)
    }

    private static let unknownForm =
        "is of a form that is not known (bcrypt, apr1, MD5, SHA-256, SHA-512, {SHA}, {SSHA} and {PLAIN} are)"

    // MARK: Comparing

    /// No time tells how much is the same.
    private static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }

    private static func sha1(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 20)
        guard EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha1(), nil) == 1 else { return [] }
        return digest
    }
}
