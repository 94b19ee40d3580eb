import NetworkTypes
import Testing

@testable import DataPlane

/// That the kernel comes to the same is shown by packets: "consistent hashing leads a client to one endpoint".
@Suite("Jenkins' hash") struct JenkinsHashTests {
    /// From the self-test of lookup3.c (`hashlittle` of whole words).
    @Test func `it is lookup3`() {
        #expect(JenkinsHash.hash([], seed: 0) == 0xDEAD_BEEF)
        #expect(JenkinsHash.hash([], seed: 0xDEAD_BEEF) == 0xBD5B_7DDE)
        let text = Array("Four score and seven years ag".utf8).prefix(28)
        #expect(JenkinsHash.hash(Array(text), seed: 0) != JenkinsHash.hash(Array(text), seed: 1))
    }

    @Test(arguments: ["192.0.2.1", "fd80::10", "::", "255.255.255.255"])
    func `every client has a slot`(text: String) throws {
        #expect((0..<HashSlots.count).contains(HashSlots.slot(of: try #require(IPAddress(text)))))
    }
}
