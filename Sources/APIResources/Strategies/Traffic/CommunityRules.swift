import KubeModel

/// How BGP communities are written: `65000:100` (RFC 1997) and `large:64512:1:2` (RFC 8092).
enum CommunityRules {
    enum Verdict: Hashable {
        case community
        /// No community in form, so perhaps the name of one.
        case name
        case invalid(String)
    }

    static func judge(_ text: String) -> Verdict {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count {
        case 2:
            guard parts.allSatisfy({ isNumber($0, UInt16.self) }) else {
                return .invalid("must be two numbers from 0 to 65535, (e.g. 65000:100)")
            }
            return .community
        case 4:
            guard parts[0] == "large", parts.dropFirst().allSatisfy({ isNumber($0, UInt32.self) }) else {
                return .invalid("must be \"large\" and three numbers from 0 to 4294967295, (e.g. large:64512:1:2)")
            }
            return .community
        default: return .name
        }
    }

    private static func isNumber<Number: FixedWidthInteger>(_ text: Substring, _: Number.Type) -> Bool {
        text.first?.isNumber == true && Number(text) != nil
    }
}
