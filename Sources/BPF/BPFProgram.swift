/// A program for the kernel, written instruction by instruction.
///
/// Jumps lead forward only, so that every program ends. What the kernel refuses is told with the instruction that it
/// refused and the words that stand before it (`remark`).
package struct BPFProgram: Sendable {
    /// Up to 15 characters; what `bpftool` shows.
    package let name: String
    package let hook: BPFHook
    package private(set) var instructions: [BPFInstruction] = []
    /// Label → the index of the instruction behind it.
    private var labels: [BPFLabel: Int] = [:]
    /// Index of an instruction → what begins there.
    private var remarks: [Int: String] = [:]

    package init(_ name: String, _ hook: BPFHook) {
        self.name = name
        self.hook = hook
    }

    // MARK: Writing

    /// Says what the next instructions are about.
    package mutating func remark(_ text: String) { remarks[instructions.count] = text }

    package mutating func place(_ label: BPFLabel) {
        precondition(labels[label] == nil, "the label \(label) is placed twice")
        labels[label] = instructions.count
    }

    package mutating func append(_ instruction: BPFInstruction) { instructions.append(instruction) }

    package mutating func move(_ register: BPFRegister, _ source: BPFRegister) {
        append(.calculate(.move, register, .register(source)))
    }

    package mutating func move(_ register: BPFRegister, _ number: Int32) {
        append(.calculate(.move, register, .number(number)))
    }

    package mutating func calculate(
        _ operation: BPFInstruction.Operation, _ register: BPFRegister, _ operand: BPFInstruction.Operand
    ) {
        append(.calculate(operation, register, operand))
    }

    /// Lets a register hold the address of the stack's place at `offset`, which is below 0.
    package mutating func point(_ register: BPFRegister, toStack offset: Int16) {
        move(register, .stack)
        calculate(.add, register, .number(Int32(offset)))
    }

    package mutating func load(
        _ width: BPFWidth, _ register: BPFRegister, from base: BPFRegister, _ offset: Int16 = 0
    ) { append(.load(width, register, from: base, offset: offset)) }

    package mutating func store(
        _ width: BPFWidth, _ register: BPFRegister, to base: BPFRegister, _ offset: Int16 = 0
    ) { append(.store(width, register, to: base, offset: offset)) }

    package mutating func store(
        _ width: BPFWidth, _ number: Int32, to base: BPFRegister, _ offset: Int16 = 0
    ) { append(.storeNumber(width, number, to: base, offset: offset)) }

    /// Copies bytes by way of r1: words as long as there are any, then a half.
    package mutating func copy(
        _ count: Int16, from source: BPFRegister, _ sourceOffset: Int16, to target: BPFRegister, _ targetOffset: Int16
    ) {
        var done: Int16 = 0
        while done < count {
            let width: BPFWidth = count - done >= 4 ? .word : .half
            load(width, .r1, from: source, sourceOffset + done)
            store(width, .r1, to: target, targetOffset + done)
            done += Int16(width.bytes)
        }
    }

    package mutating func jump(_ label: BPFLabel) { append(.jump(label)) }

    package mutating func jump(
        _ label: BPFLabel, if register: BPFRegister, _ comparison: BPFInstruction.Comparison, _ number: Int32
    ) { append(.jumpIf(register, comparison, .number(number), label)) }

    package mutating func jump(
        _ label: BPFLabel, if register: BPFRegister, _ comparison: BPFInstruction.Comparison, _ other: BPFRegister
    ) { append(.jumpIf(register, comparison, .register(other), label)) }

    package mutating func call(_ helper: BPFFunction) { append(.call(helper)) }

    /// Ends the program with a number.
    package mutating func finish(_ number: Int32) {
        move(.r0, number)
        append(.exit)
    }

    // MARK: Reading

    /// The maps that it names.
    package var maps: Set<String> {
        Set(instructions.compactMap { if case .map(_, let name) = $0 { name } else { nil } })
    }

    /// The index of the instruction behind a label; nil where it was never placed.
    package func index(of label: BPFLabel) -> Int? { labels[label] }

    /// For people: the instruction that begins at a place of 8 bytes, with what it is about.
    package func words(at place: Int) -> String {
        var begin = 0
        var about = name
        for (index, instruction) in instructions.enumerated() {
            if let remark = remarks[index] { about = "\(name), \(remark)" }
            if place < begin + instruction.places { return "\"\(instruction)\" (\(about))" }
            begin += instruction.places
        }
        return "behind the end of \(name)"
    }

    /// The bytes that the kernel reads, in the order of this machine's numbers.
    ///
    /// - Parameter maps: the descriptor of each map that it names.
    package func encoded(maps: [String: Int32]) throws(BPFError) -> [UInt8] {
        var places: [Int] = []
        var count = 0
        for instruction in instructions {
            places.append(count)
            count += instruction.places
        }
        places.append(count)
        var words: [UInt64] = []
        words.reserveCapacity(count)
        for (index, instruction) in instructions.enumerated() {
            func distance(_ label: BPFLabel) throws(BPFError) -> Int16 {
                guard let target = labels[label], target > index,
                    let distance = Int16(exactly: places[target] - places[index] - 1)
                else { throw .malformed("\(name): no way forward to \(label)") }
                return distance
            }
            switch instruction {
            case .calculate(let operation, let register, .number(let number)):
                words.append(Self.word(0x07 | operation.rawValue, register, number: number))
            case .calculate(let operation, let register, .register(let other)):
                words.append(Self.word(0x0f | operation.rawValue, register, other))
            case .constant(let register, let number):
                words.append(Self.word(0x18, register, number: Int32(truncatingIfNeeded: number)))
                words.append((number >> 32) << 32)
            case .map(let register, let name):
                guard let map = maps[name] else { throw .malformed("\(self.name): no map \(name)") }
                // BPF_PSEUDO_MAP_FD
                words.append(Self.word(0x18, register, .r1, number: map))
                words.append(0)
            case .load(let width, let register, let base, let offset):
                words.append(Self.word(0x61 | width.rawValue, register, base, offset))
            case .store(let width, let register, let base, let offset):
                words.append(Self.word(0x63 | width.rawValue, base, register, offset))
            case .storeNumber(let width, let number, let base, let offset):
                words.append(Self.word(0x62 | width.rawValue, base, .r0, offset, number: number))
            case .jump(let label): words.append(Self.word(0x05, .r0, .r0, try distance(label)))
            case .jumpIf(let register, let comparison, .number(let number), let label):
                words.append(
                    Self.word(0x05 | comparison.rawValue, register, .r0, try distance(label), number: number))
            case .jumpIf(let register, let comparison, .register(let other), let label):
                words.append(Self.word(0x0d | comparison.rawValue, register, other, try distance(label)))
            case .call(let helper): words.append(Self.word(0x85, .r0, number: helper.rawValue))
            case .exit: words.append(Self.word(0x95, .r0))
            }
        }
        return words.flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
    }

    /// Opcode, registers, offset and number, as `struct bpf_insn` has them on a machine of small endianness.
    private static func word(
        _ code: UInt8, _ target: BPFRegister, _ source: BPFRegister = .r0, _ offset: Int16 = 0, number: Int32 = 0
    ) -> UInt64 {
        UInt64(code) | UInt64(target.rawValue) << 8 | UInt64(source.rawValue) << 12
            | UInt64(UInt16(bitPattern: offset)) << 16 | UInt64(UInt32(bitPattern: number)) << 32
    }
}
