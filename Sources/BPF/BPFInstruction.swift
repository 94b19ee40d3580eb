/// One instruction of a program, before its labels and maps have numbers (RFC 9669).
package enum BPFInstruction: Hashable, Sendable {
    /// The two's complement of narrower numbers is meant where a program says so.
    package enum Operand: Hashable, Sendable {
        case register(BPFRegister)
        case number(Int32)
    }

    /// On all 64 bits.
    package enum Operation: UInt8, Sendable {
        case add = 0x00
        case multiply = 0x20
        case and = 0x50
        case shiftRight = 0x70
        /// Unsigned; by 0 it leaves the number as it is.
        case remainder = 0x90
        case move = 0xb0
    }

    /// Of 64 bits, without a sign.
    package enum Comparison: UInt8, Sendable {
        case equal = 0x10
        case greater = 0x20
        case anyBit = 0x40
        case unequal = 0x50
        case less = 0xa0
    }

    case calculate(Operation, BPFRegister, Operand)
    /// All 64 bits. Takes two places.
    case constant(BPFRegister, UInt64)
    /// What calls name a map by. Takes two places.
    case map(BPFRegister, String)
    /// Zeros above what was loaded.
    case load(BPFWidth, BPFRegister, from: BPFRegister, offset: Int16)
    case store(BPFWidth, BPFRegister, to: BPFRegister, offset: Int16)
    case storeNumber(BPFWidth, Int32, to: BPFRegister, offset: Int16)
    case jump(BPFLabel)
    case jumpIf(BPFRegister, Comparison, Operand, BPFLabel)
    case call(BPFFunction)
    case exit

    /// How many places of 8 bytes it takes.
    package var places: Int {
        switch self {
        case .constant, .map: 2
        default: 1
        }
    }
}

/// A place in a program that jumps lead to: always further on.
package struct BPFLabel: Hashable, Sendable, CustomStringConvertible {
    /// Of one program's.
    package var name: String

    package init(_ name: String) { self.name = name }

    package var description: String { name }
}

extension BPFInstruction: CustomStringConvertible {
    package var description: String {
        switch self {
        case .calculate(let operation, let register, let operand): "\(operation) \(register), \(operand)"
        case .constant(let register, let number): "move \(register), \(number)"
        case .map(let register, let name): "move \(register), map \(name)"
        case .load(let width, let register, let base, let offset): "load \(width) \(register), [\(base) + \(offset)]"
        case .store(let width, let register, let base, let offset): "store \(width) [\(base) + \(offset)], \(register)"
        case .storeNumber(let width, let number, let base, let offset):
            "store \(width) [\(base) + \(offset)], \(number)"
        case .jump(let label): "jump \(label)"
        case .jumpIf(let register, let comparison, let operand, let label):
            "jump \(label) if \(register) \(comparison) \(operand)"
        case .call(let helper): "call \(helper)"
        case .exit: "exit"
        }
    }
}

extension BPFInstruction.Operand: CustomStringConvertible {
    package var description: String {
        switch self {
        case .register(let register): "\(register)"
        case .number(let number): "\(number)"
        }
    }
}
