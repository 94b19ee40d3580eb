/// How many bytes an instruction loads or stores (RFC 9669, section 5.1).
package enum BPFWidth: UInt8, Sendable {
    case word = 0x00
    case half = 0x08
    case byte = 0x10
    case double = 0x18

    package var bytes: Int {
        switch self {
        case .byte: 1
        case .half: 2
        case .word: 4
        case .double: 8
        }
    }
}
