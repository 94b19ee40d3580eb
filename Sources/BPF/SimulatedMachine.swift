/// The machine that programs are written for, for one run of one program. What the kernel would not have let through ends
/// the run with an error: registers and places of the stack that nothing was written to, memory of nobody, an address that
/// is 0.
struct SimulatedMachine {
    /// Addresses have the number of their piece of memory in the upper half.
    private struct Piece {
        var bytes: [UInt8]
        /// Which of them were written; nil for all.
        var known: [Bool]?
        var isWritable = true
        var onWrite: (([UInt8]) -> Void)?
    }

    private static let stack: UInt64 = 1
    private static let context: UInt64 = 2
    private static let socket: UInt64 = 3
    private static let maps: UInt64 = 1 << 24
    private static let stackSize = 512

    private let program: BPFProgram
    private let maps: [String: Int32]
    private var registers: [BPFRegister: UInt64] = [:]
    private var pieces: [UInt64: Piece] = [:]
    private(set) var call: SocketCall

    init(_ program: BPFProgram, maps: [String: Int32], call: SocketCall) {
        self.program = program
        self.maps = maps
        self.call = call
        pieces[Self.stack] = Piece(
            bytes: [UInt8](repeating: 0, count: Self.stackSize), known: [Bool](repeating: false, count: Self.stackSize))
        pieces[Self.context] = Piece(bytes: call.bytes)
        pieces[Self.socket] = Piece(bytes: call.socket.bytes, isWritable: false)
        registers[.r1] = Self.context << 32
        registers[.stack] = Self.stack << 32 + UInt64(Self.stackSize)
    }

    /// - Returns: what the program returns.
    mutating func run(
        _ help: (BPFFunction, inout SimulatedMachine) throws(BPFError) -> UInt64
    ) throws(BPFError) -> UInt64 {
        var index = 0
        while program.instructions.indices.contains(index) {
            let instruction = program.instructions[index]
            index += 1
            switch instruction {
            case .calculate(let operation, let register, let operand):
                guard register != .stack else { throw fault(instruction, "the stack's end is for reading") }
                let right = try value(operand, instruction)
                if operation == .move {
                    registers[register] = right
                } else {
                    registers[register] = Self.calculate(operation, try number(register), right)
                }
            case .constant(let register, let number): registers[register] = number
            case .map(let register, let name): registers[register] = (Self.maps + UInt64(maps[name] ?? 0)) << 32
            case .load(let width, let register, let base, let offset):
                registers[register] = try load(width, base, offset, instruction)
            case .store(let width, let register, let base, let offset):
                try store(width, try number(register), base, offset, instruction)
            case .storeNumber(let width, let number, let base, let offset):
                try store(width, UInt64(bitPattern: Int64(number)), base, offset, instruction)
            case .jump(let label): index = program.index(of: label) ?? .max
            case .jumpIf(let register, let comparison, let operand, let label):
                if Self.compare(try number(register), comparison, try value(operand, instruction)) {
                    index = program.index(of: label) ?? .max
                }
            case .call(let helper):
                for register in BPFRegister.allCases[1...5].prefix(helper.arguments) { _ = try number(register) }
                let result = try help(helper, &self)
                for register in BPFRegister.allCases[1...5] { registers[register] = nil }
                registers[.r0] = result
            case .exit:
                call.bytes = pieces[Self.context]?.bytes ?? []
                return try number(.r0)
            }
        }
        throw .malformed("\(program.name) runs past its end")
    }

    private static func calculate(_ operation: BPFInstruction.Operation, _ left: UInt64, _ right: UInt64) -> UInt64 {
        switch operation {
        case .add: left &+ right
        case .multiply: left &* right
        case .and: left & right
        case .shiftRight: left >> (right & 63)
        case .remainder: right == 0 ? left : left % right
        case .move: right
        }
    }

    private static func compare(_ left: UInt64, _ comparison: BPFInstruction.Comparison, _ right: UInt64) -> Bool {
        switch comparison {
        case .equal: left == right
        case .greater: left > right
        case .anyBit: left & right != 0
        case .unequal: left != right
        case .less: left < right
        }
    }

    private func fault(_ instruction: BPFInstruction, _ reason: String) -> BPFError {
        .rejected(instruction: "\"\(instruction)\" (\(program.name))", reason: reason, number: 13)
    }

    private func value(_ operand: BPFInstruction.Operand, _ instruction: BPFInstruction) throws(BPFError) -> UInt64 {
        switch operand {
        case .number(let number): UInt64(bitPattern: Int64(number))
        case .register(let register): try number(register)
        }
    }

    // MARK: For helpers

    func number(_ register: BPFRegister) throws(BPFError) -> UInt64 {
        guard let number = registers[register] else {
            throw .rejected(
                instruction: "a use of \(register) (\(program.name))", reason: "\(register) !read_ok", number: 13)
        }
        return number
    }

    /// The map that a register names.
    func map(_ register: BPFRegister) throws(BPFError) -> Int32 {
        let number = try number(register) >> 32
        guard number > Self.maps else { throw .malformed("\(program.name): \(register) names no map") }
        return Int32(number - Self.maps)
    }

    func bytes(at register: BPFRegister, count: Int) throws(BPFError) -> [UInt8] {
        let address = try number(register)
        return try bytes(address, count, .call(.lookup))
    }

    /// Gives a program memory of its own, which `onWrite` is told the changes of.
    mutating func lend(_ bytes: [UInt8], onWrite: @escaping ([UInt8]) -> Void) -> UInt64 {
        let number = UInt64(16 + pieces.count)
        pieces[number] = Piece(bytes: bytes, onWrite: onWrite)
        return number << 32
    }

    // MARK: Memory

    private func bytes(_ address: UInt64, _ count: Int, _ instruction: BPFInstruction) throws(BPFError) -> [UInt8] {
        let (number, offset) = (address >> 32, Int(address & 0xffff_ffff))
        guard let piece = pieces[number], offset + count <= piece.bytes.count else {
            throw fault(instruction, "no memory at \(String(address, radix: 16))")
        }
        if let known = piece.known, !known[offset..<offset + count].allSatisfy({ $0 }) {
            throw fault(instruction, "reads of the stack what nothing was written to, at \(offset - Self.stackSize)")
        }
        return Array(piece.bytes[offset..<offset + count])
    }

    private func load(
        _ width: BPFWidth, _ base: BPFRegister, _ offset: Int16, _ instruction: BPFInstruction
    ) throws(BPFError) -> UInt64 {
        let address = try number(base) &+ UInt64(bitPattern: Int64(offset))
        if address == Self.context << 32 + UInt64(SocketCallField.socket), width == .double { return Self.socket << 32 }
        return try bytes(address, width.bytes, instruction).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }

    private mutating func store(
        _ width: BPFWidth, _ value: UInt64, _ base: BPFRegister, _ offset: Int16, _ instruction: BPFInstruction
    ) throws(BPFError) {
        let address = try number(base) &+ UInt64(bitPattern: Int64(offset))
        let (number, place) = (address >> 32, Int(address & 0xffff_ffff))
        guard var piece = pieces[number], piece.isWritable, place + width.bytes <= piece.bytes.count else {
            throw fault(instruction, "no memory to write to at \(String(address, radix: 16))")
        }
        guard place % width.bytes == 0 else { throw fault(instruction, "misaligned access") }
        for index in 0..<width.bytes {
            piece.bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))
            piece.known?[place + index] = true
        }
        pieces[number] = piece
        piece.onWrite?(piece.bytes)
    }
}
