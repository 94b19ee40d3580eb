import KubeModel
import Testing

@Suite("Base64 as Kubernetes writes it") struct Base64Tests {
    /// RFC 4648, section 10.
    @Test(
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func vectorsOfTheRFCHold(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
    }

    @Test func everyByteSurvivesARoundTrip() {
        let bytes = (0...255).map { UInt8($0) }
        for count in 250...256 {
            #expect(Base64.decode(Base64.encode(Array(bytes.prefix(count)))) == Array(bytes.prefix(count)))
        }
    }

    @Test func lineBreaksAreSkippedAndPaddingMayBeAbsent() {
        #expect(Base64.decode("Zm9v\nYmFy\r\n") == Array("foobar".utf8))
        #expect(Base64.decode("Zm8") == Array("fo".utf8))
    }

    @Test(arguments: ["Z", "Zm9vY", "Zm-v", "Zg=", "Zg===", "=Zg=", "Z g=", "Zg==Zg=="])
    func malformedTextIsRefused(text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
