import Testing

@testable import Passwords

@Suite("Forms of passwords in files of htpasswd") struct PasswordHashTests {
    /// Made by Apache's htpasswd and by openssl; the password is `secret`.
    static let ofSecret = [
        "$2y$05$NRJ59Qz4kOU3NmeMxHr76.gPZLF0Xfx5pvHKfFd7Bfw0qcbrqNQOm",
        "$2a$05$NRJ59Qz4kOU3NmeMxHr76.gPZLF0Xfx5pvHKfFd7Bfw0qcbrqNQOm",
        "$2b$05$NRJ59Qz4kOU3NmeMxHr76.gPZLF0Xfx5pvHKfFd7Bfw0qcbrqNQOm",
        "$apr1$yunc2H.o$2ALMqz.jJalzSVR4wKQDt0", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
        "{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0", "{PLAIN}secret",
        "$5$/MtUcg6kdL0DymzK$NYD7g9/BAGbRWUqerSoP9SNWjmr4WvxbyZQvCfHue2.",
        "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
        "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.",
        "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1",
    ]

    @Test(arguments: ofSecret)
    func `a password is right in every form, and others are not`(text: String) throws {
        let hash = try PasswordHash(Array(text.utf8))
        #expect(hash.matches(Array("secret".utf8)))
        for wrong in ["", "Secret", "secret ", "secre", text] { #expect(!hash.matches(Array(wrong.utf8))) }
        #expect(!hash.matches(Array("secret".utf8) + [0]))
        #expect(!hash.matches([UInt8](repeating: 0x61, count: PasswordHash.maxPasswordBytes + 1)))
        #expect(hash.isQuick == text.hasPrefix("{"))
    }

    @Test(arguments: [
        ("$apr1$sL8kGOca$RqGrwtKdQDyghD5roPbcR/", "pässwörd"),
        ("$2y$05$lO1acRckiu7QrrIaxlGloemYQu8Tp9rA5DpkAcxB72uZ.GWtIpCIe", "pässwörd"),
        ("$5$CeavkZlo0rcPu5TR$bmMX2sUuN86WEtwDgjAPL0nCWp/DFApSWM939pCfqY0", "pässwörd"),
        ("{SHA}9Rfd8dMqES/xrVXGbRsSyzjn6Pc=", "pässwörd"), ("$apr1$WYYD4mGI$h57EFQuSZUBDQkxVBkb8g0", ""),
        ("$2y$05$9BLih6Qtmt3495UrpIMzi.nYca.B5XTnMJsx6E.VVOgXqVXNmUij2", ""),
        ("{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=", ""), ("$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "myPassword"),
        ("$apr1$ab$FiHbuuOAxqtN.GlsS4Osk.", String(repeating: "x", count: 40)),
    ])
    func `passwords are bytes, of any number`(text: String, password: String) throws {
        let hash = try PasswordHash(Array(text.utf8))
        #expect(hash.matches(Array(password.utf8)))
        #expect(!hash.matches(Array((password + "x").utf8)))
    }

    @Test(arguments: [
        ("", "is empty"), ("secret", "is of a form that is not known"), ("rqXexS6ZhobKA", "is DES"),
        ("$2y$15$NRJ59Qz4kOU3NmeMxHr76.gPZLF0Xfx5pvHKfFd7Bfw0qcbrqNQOm", "is bcrypt with a cost"),
        ("$2y$31$NRJ59Qz4kOU3NmeMxHr76.gPZLF0Xfx5pvHKfFd7Bfw0qcbrqNQOm", "is bcrypt with a cost"),
        ("$2x$05$NRJ59Qz4kOU3NmeMxHr76.gPZLF0Xfx5pvHKfFd7Bfw0qcbrqNQOm", "is of a form that is not known"),
        ("$2y$05$short", "is of a form that is not known"), ("{SHA}xyz", "is no {SHA}"),
        ("{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "is no {SSHA}"), ("{MD5}abc", "is of a form that is not known"),
        (
            "$5$rounds=999999999$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
            "has a number of rounds that is not from 1000 to 500000"
        ),
        (
            "$5$rounds=99999999999999999999$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
            "has a number of rounds that is not from 1000 to 500000"
        ),
        ("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", "is of a form that is not known"),
    ])
    func `what is not known, or costs too much, is refused`(text: String, problem: String) {
        do {
            _ = try PasswordHash(Array(text.utf8))
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.description.hasPrefix(problem))
            // Nothing of it is told.
            #expect(text.count < 13 || !error.description.contains(text.suffix(8)))
        }
    }

    @Test(arguments: [
        ("", ""), ("Zg==", "f"), ("Zg", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"),
        ("Zm9vYmE=", "fooba"), ("Zm9vYmFy", "foobar"),
    ])
    func `base64 is read`(text: String, plain: String) {
        #expect(Base64Text.decode(text.utf8) == Array(plain.utf8))
    }

    @Test(arguments: ["Z", "Zg=", "Zg===", "Zg==Zg==", "Zm9v====", "Zm 9v", "Zm9v\n", "Zm9-", "=", "é"])
    func `what is no base64 is not`(text: String) { #expect(Base64Text.decode(text.utf8) == nil) }
}
