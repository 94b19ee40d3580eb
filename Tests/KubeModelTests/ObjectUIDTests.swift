import KubeModel
import Testing

@Suite("Identifiers of objects, kept small") struct ObjectUIDTests {
    @Test(arguments: [
        "0b4ef7a0-13a1-4a53-9d2c-0f9e8d7c6b5a", "ffffffff-ffff-ffff-ffff-ffffffffffff", "",
        // Not as a UUID is written: kept as they are.
        "0B4EF7A0-13A1-4A53-9D2C-0F9E8D7C6B5A", "0b4ef7a0013a104a5309d2c00f9e8d7c6b5a",
        "0b4ef7a0-13a1-4a53-9d2c-0f9e8d7c6b5",
        "0b4ef7a0-13a1-4a53-9d2c0-f9e8d7c6b5a", "an identifier of some other server",
    ])
    func `what went in comes out`(text: String) {
        #expect(ObjectUID(text).description == text)
        #expect(ObjectUID(text) == ObjectUID(text))
    }

    @Test func `each digit counts`() {
        let text = "0b4ef7a0-13a1-4a53-9d2c-0f9e8d7c6b5a"
        for index in text.indices where text[index] != "-" {
            var other = text
            other.replaceSubrange(index...index, with: text[index] == "1" ? "2" : "1")
            #expect(ObjectUID(other) != ObjectUID(text))
        }
    }
}
