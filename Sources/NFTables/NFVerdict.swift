/// What a rule, or an element of a verdict map, decides.
package enum NFVerdict: Hashable, Sendable {
    case accept
    case drop
    /// On to the next rule.
    case `continue`
    case `return`
    case jump(String)
    case goto(String)

    var code: Int32 {
        switch self {
        case .drop: 0
        case .accept: 1
        case .continue: -1
        case .jump: -3
        case .goto: -4
        case .return: -5
        }
    }

    /// The chain that it leads to.
    package var chain: String? {
        switch self {
        case .jump(let chain), .goto(let chain): chain
        default: nil
        }
    }

    init?(code: Int32, chain: String?) {
        switch (code, chain) {
        case (0, _): self = .drop
        case (1, _): self = .accept
        case (-1, _): self = .continue
        case (-3, let chain?): self = .jump(chain)
        case (-4, let chain?): self = .goto(chain)
        case (-5, _): self = .return
        default: return nil
        }
    }
}
