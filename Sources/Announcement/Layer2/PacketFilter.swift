/// A program of the classic packet filter that the kernel runs before it wakes us (`SO_ATTACH_FILTER`).
package struct PacketFilter: Hashable, Sendable {
    /// `struct sock_filter` of <linux/filter.h>.
    package struct Instruction: Hashable, Sendable {
        package var code: UInt16
        package var ifTrue: UInt8
        package var ifFalse: UInt8
        package var value: UInt32
    }

    package private(set) var instructions: [Instruction] = []

    /// How much of a frame is kept: neither message is longer, whatever options it has.
    private static let kept: UInt32 = 512

    /// ARP about addresses from `first` to `last`, asked for or claimed, counted from after the frame's header.
    package static func arp(_ first: UInt32, _ last: UInt32) -> PacketFilter {
        var filter = PacketFilter()
        filter.load(.half, 6)
        filter.add(jumpIfEqual, 1, ifTrue: 1)
        filter.add(jumpIfEqual, 2, ifFalse: 7)
        filter.load(.word, 24)
        filter.add(jumpIfAtLeast, first, ifFalse: 1)
        filter.add(jumpIfAbove, last, ifFalse: 3)
        filter.load(.word, 14)
        filter.add(jumpIfAtLeast, first, ifFalse: 2)
        filter.add(jumpIfAbove, last, ifTrue: 1)
        filter.add(answer, kept)
        filter.add(answer, 0)
        return filter
    }

    /// Neighbour solicitations and advertisements that no router has forwarded, counted from the IPv6 header.
    package static let neighbours: PacketFilter = {
        var filter = PacketFilter()
        filter.load(.byte, 6)
        filter.add(jumpIfEqual, 58, ifFalse: 6)
        filter.load(.byte, 7)
        filter.add(jumpIfEqual, 255, ifFalse: 4)
        filter.load(.byte, 40)
        filter.add(jumpIfEqual, 135, ifTrue: 1)
        filter.add(jumpIfEqual, 136, ifFalse: 1)
        filter.add(answer, kept)
        filter.add(answer, 0)
        return filter
    }()

    /// Nothing at all.
    package static let nothing: PacketFilter = {
        var filter = PacketFilter()
        filter.add(answer, 0)
        return filter
    }()

    /// What the kernel would answer: how many bytes are kept, 0 for a frame that is dropped.
    package func run(_ frame: [UInt8]) -> UInt32 {
        var accumulator: UInt32 = 0
        var next = 0
        while next < instructions.count {
            let instruction = instructions[next]
            next += 1
            let jump: (Bool) -> Void = { next += Int($0 ? instruction.ifTrue : instruction.ifFalse) }
            switch instruction.code {
            case Self.answer: return instruction.value
            case Self.jumpIfEqual: jump(accumulator == instruction.value)
            case Self.jumpIfAbove: jump(accumulator > instruction.value)
            case Self.jumpIfAtLeast: jump(accumulator >= instruction.value)
            default:
                guard let size = Size(rawValue: instruction.code) else { return 0 }
                let offset = Int(instruction.value)
                guard offset + size.bytes <= frame.count else { return 0 }
                accumulator = frame[offset..<(offset + size.bytes)].reduce(0) { $0 << 8 | UInt32($1) }
            }
        }
        return 0
    }

    /// Loads from an absolute offset (BPF_LD | BPF_ABS).
    private enum Size: UInt16 {
        case word = 0x20
        case half = 0x28
        case byte = 0x30

        var bytes: Int {
            switch self {
            case .word: 4
            case .half: 2
            case .byte: 1
            }
        }
    }

    private static let jumpIfEqual: UInt16 = 0x15
    private static let jumpIfAbove: UInt16 = 0x25
    private static let jumpIfAtLeast: UInt16 = 0x35
    private static let answer: UInt16 = 0x06

    private mutating func load(_ size: Size, _ offset: UInt32) { add(size.rawValue, offset) }

    private mutating func add(_ code: UInt16, _ value: UInt32, ifTrue: UInt8 = 0, ifFalse: UInt8 = 0) {
        instructions.append(Instruction(code: code, ifTrue: ifTrue, ifFalse: ifFalse, value: value))
    }
}
