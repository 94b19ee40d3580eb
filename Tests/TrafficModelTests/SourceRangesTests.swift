import KubeModel
import NetworkTypes
import Testing

@testable import TrafficModel

@Suite struct SourceRangesTests {
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test(arguments: ["10.9.0.0/16", " 10.9.0.0/16", "10.9.0.0/16 ", "\t10.9.0.0/16\r\n", "\u{a0}10.9.0.0/16"])
    func `white space around a range is no part of it`(range: String) throws {
        let ranges = SourceRanges(texts: [range])
        #expect(ranges.isGuard)
        #expect(ranges.contains(try address("10.9.1.2")))
        #expect(!ranges.contains(try address("127.0.0.1")))
    }

    @Test(arguments: ["", " ", "10.9.0.0", "10.9.0.0/33", "all", "10.9.0.0 /16"])
    func `what is no range lets nobody in`(range: String) throws {
        let ranges = SourceRanges(texts: [range])
        #expect(ranges.isGuard)
        #expect(!ranges.contains(try address("10.9.1.2")))
        #expect(!ranges.contains(try address("::1")))
    }

    @Test func `a range that can be read counts beside one that can't`() throws {
        let ranges = SourceRanges(texts: ["nonsense", " 127.0.0.0/8"])
        #expect(ranges.contains(try address("127.0.0.1")))
        #expect(!ranges.contains(try address("10.0.0.1")))
    }

    @Test func `no list is no guard`() throws {
        #expect(!SourceRanges(texts: []).isGuard)
        #expect(SourceRanges([]).contains(try address("10.0.0.1")))
    }

    @Test func `a guard of one family keeps the other out`() throws {
        #expect(!SourceRanges(texts: ["10.0.0.0/8"]).contains(try address("fd00::1")))
    }

    @Test func `the annotation counts where the field is empty`() throws {
        let annotation = "service.beta.kubernetes.io/load-balancer-source-ranges"
        func ranges(_ field: [String]?, _ text: String?) -> SourceRanges {
            ServiceEntry(
                Sample.service("web", type: "LoadBalancer") {
                    $0.spec?.loadBalancerSourceRanges = field
                    $0.metadata.annotations = text.map { [annotation: $0] }
                }
            ).loadBalancerSourceRanges
        }
        #expect(ranges(nil, "10.0.0.0/8, 192.168.0.0/16").contains(try address("192.168.1.1")))
        #expect(!ranges(nil, "10.0.0.0/8,").contains(try address("192.168.1.1")))
        #expect(!ranges(nil, "unreadable").contains(try address("10.0.0.1")))
        #expect(ranges(["192.168.0.0/16"], "10.0.0.0/8").contains(try address("192.168.1.1")))
        #expect(!ranges(["192.168.0.0/16"], "10.0.0.0/8").contains(try address("10.0.0.1")))
        #expect(!ranges([], " ").isGuard)
    }
}
