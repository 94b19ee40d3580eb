import APIResources
import Testing

@testable import APIServer

@Suite("The file of tokens") struct TokenFileTests {
    @Test func fieldsAreReadAsKubernetesReadsThem() throws {
        let file = try TokenFile(parsing: "t1,alice,u1,\"dev,ops\"\n\nt2, bob ,u2\r\n")
        #expect(file["t1"] == UserInfo(name: "alice", uid: "u1", groups: ["dev", "ops", "system:authenticated"]))
        #expect(file["t2"]?.uid == "u2")
        #expect(file["t3"] == nil)
    }

    @Test func aShortLineIsRefusedWithItsNumber() {
        #expect {
            try TokenFile(parsing: "t1,alice,u1\nt2,bob")
        } throws: { error in
            (error as? APIServerError)?.message.contains("line 2") == true
        }
    }
}
