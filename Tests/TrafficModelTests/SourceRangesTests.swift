import NetworkTypes
import Testing
import TrafficModel

@Suite("Source ranges admit whom they name and nobody else")
struct SourceRangesTests {
    private let inside = IPAddress("10.9.1.1")!
    private let outside = IPAddress("127.0.0.1")!

    @Test(arguments: ["10.9.0.0/16", " 10.9.0.0/16", "10.9.0.0/16 ", "\t10.9.0.0/16\n", "\u{a0}10.9.0.0/16"])
    func `white space around a range is none of it`(text: String) {
        let ranges = SourceRanges(spec: [text], annotation: nil)
        #expect(ranges.admits(inside))
        #expect(!ranges.admits(outside))
    }

    @Test(arguments: ["", " ", "10.9.0.0", "10.9.0.0/33", "10.9.0.0/16/1", "10.9.0.0 /16", "everyone", "*", "0/0"])
    func `a range that cannot be read matches nobody`(text: String) {
        let ranges = SourceRanges(spec: [text], annotation: nil)
        #expect(!ranges.admits(inside) && !ranges.admits(outside))
        #expect(SourceRanges(spec: [text, "10.9.0.0/16"], annotation: nil).admits(inside))
    }

    @Test func `without ranges everybody is served`() {
        for ranges in [nil, []] as [[String]?] {
            #expect(SourceRanges(spec: ranges, annotation: nil) == .everyone)
            #expect(SourceRanges(spec: ranges, annotation: " ") == .everyone)
        }
    }

    @Test func `the older annotation counts where the field is absent`() {
        let ranges = SourceRanges(spec: nil, annotation: "10.9.0.0/16, 192.0.2.0/24")
        #expect(ranges.admits(inside) && ranges.admits(IPAddress("192.0.2.7")!) && !ranges.admits(outside))
        #expect(!SourceRanges(spec: nil, annotation: "nonsense").admits(outside))
        #expect(!SourceRanges(spec: nil, annotation: ",").admits(outside))
        #expect(!SourceRanges(spec: ["192.0.2.0/24"], annotation: "10.9.0.0/16").admits(inside))
    }

    @Test func `ranges of one family shut the other one out`() {
        #expect(!SourceRanges(spec: ["2001:db8::/32"], annotation: nil).admits(inside))
    }
}
