internal import KubeModel
internal import ProxyEngine

extension CanaryRule {
    /// Reads a table's canary, which the API server has found good.
    init(_ canary: RouteCanary) {
        let header = canary.header.map { name in
            let match: Header.Match =
                if let value = canary.headerValue, !value.isEmpty {
                    .value(Array(value.utf8))
                } else if let pattern = canary.headerPattern, !pattern.isEmpty {
                    .pattern(pattern)
                } else {
                    .word
                }
            // nginx takes both for the same, and the proxy passes no underscores.
            let name = name.lowercased().utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
            return Header(name: name, match: match)
        }
        self.init(
            header: header, cookie: canary.cookie.map { Array($0.utf8) }, weight: Int32(clamping: canary.weight ?? 0),
            total: Int32(clamping: canary.effectiveTotal))
    }
}
