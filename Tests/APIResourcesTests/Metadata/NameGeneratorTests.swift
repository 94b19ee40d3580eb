import KubeModel
import Testing

@testable import APIResources

@Suite("Generated names") struct NameGeneratorTests {
    @Test func generatedNamesKeepTheirLimit() {
        let name = NameGenerator.name(from: String(repeating: "x", count: 80))
        #expect(name.utf8.count == 63)
        #expect(Validation.dns1123Label(name).isEmpty)
    }

    @Test func uidsAreVersion4() {
        let uids = (0..<100).map { _ in NameGenerator.uid() }
        #expect(Set(uids).count == 100)
        for uid in uids {
            let groups = uid.split(separator: "-").map(\.count)
            #expect(groups == [8, 4, 4, 4, 12])
            #expect(Array(uid)[14] == "4")
            #expect("89ab".contains(Array(uid)[19]))
        }
    }
}
