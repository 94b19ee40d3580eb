import BPF
import Testing

@Suite("A kernel for programs is simulated: it runs them and refuses what the kernel refuses")
struct SimulatedBPFTests {
    private let group = ControlGroup(path: "/", identifier: 1)

    private func call(_ port: UInt16 = 80) -> SocketCall {
        SocketCall(SimulatedSocket(cookie: 5, namespace: 1), [10, 0, 0, 1], port, transport: 6)
    }

    @Test func `a program changes the address of a call`() throws {
        let system = SimulatedBPF()
        var program = BPFProgram("change", .connect4)
        program.move(.r6, .r1)
        program.store(.word, 0x0200_000a, to: .stack, -8)
        program.load(.word, .r1, from: .stack, -8)
        program.store(.word, .r1, to: .r6, SocketCallField.address4)
        program.finish(1)
        let link = try system.attach(try system.load(program, maps: [:]), to: group, at: .connect4)
        var call = call()
        let goesOn = try system.run(.connect4, &call)
        #expect(goesOn && call.address == [10, 0, 0, 2] && call.port == 80)
        withExtendedLifetime(link) {}
    }

    @Test func `what nobody holds or pinned runs no more`() throws {
        let system = SimulatedBPF()
        var program = BPFProgram("refuse", .connect4)
        program.finish(0)
        let loaded = try system.load(program, maps: [:])
        var link: BPFObject? = try system.attach(loaded, to: group, at: .connect4)
        var one = call()
        #expect(try !system.run(.connect4, &one))
        system.makeFolder("/bpf/x")
        try system.pin(try #require(link), at: "/bpf/x/connect4")
        link = nil
        #expect(try !system.run(.connect4, &one), "pinned")
        #expect(throws: BPFError.self) { try system.removeFolder("/bpf/x") }
        _ = system.unpin("/bpf/x/connect4")
        #expect(try system.run(.connect4, &one))
        #expect(try system.removeFolder("/bpf/x"))
    }

    @Test func `full maps refuse or forget`() throws {
        let system = SimulatedBPF()
        let strict = try system.make(BPFMap("strict", .hash, key: 1, value: 1, capacity: 2))
        let forgetful = try system.make(BPFMap("forgetful", .forgetful, key: 1, value: 1, capacity: 2))
        for number in UInt8(0)..<2 {
            try system.set(strict, [number], [9])
            try system.set(forgetful, [number], [9])
        }
        #expect(throws: BPFError.refused(subject: "add to a map", number: 7)) { try system.set(strict, [2], [9]) }
        try system.set(strict, [1], [8])
        try system.set(forgetful, [2], [9])
        #expect(Set(system.entries(forgetful).map(\.key)) == [[1], [2]])
        #expect(throws: BPFError.self, "a key of another size") { try system.set(strict, [1, 2], [9]) }
    }

    @Test func `what a program may not do ends its run`() throws {
        let faults: [(BPFInstruction, String)] = [
            (.load(.word, .r2, from: .stack, offset: -8), "an unwritten place"),
            (.calculate(.add, .r3, .number(1)), "an unwritten register"),
            (.load(.word, .r2, from: .r1, offset: 200), "behind the context"),
            (.calculate(.move, .stack, .number(0)), "the stack's end"),
            (.storeNumber(.double, 1, to: .stack, offset: -12), "misaligned"),
        ]
        for (instruction, words) in faults {
            let system = SimulatedBPF()
            var program = BPFProgram("fault", .connect4)
            program.append(instruction)
            program.finish(1)
            let link = try system.attach(try system.load(program, maps: [:]), to: group, at: .connect4)
            var call = call()
            #expect(throws: BPFError.self, "\(words)") { try system.run(.connect4, &call) }
            withExtendedLifetime(link) {}
        }
    }
}
