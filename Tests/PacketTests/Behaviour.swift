import Glibc
import NetworkTypes
import Testing

/// Something that Services do, seen from outside by packets: true in every mode.
struct Behaviour: Sendable, CustomTestStringConvertible {
    let name: String
    let traits: Set<Trait>
    let prove: @Sendable (PacketBench) async throws -> Void

    enum Trait {
        /// It is about SCTP, which kernels may lack.
        case sctp
        /// It goes on after the first packet of a flow: it may differ where established flows pass no rule. All others are
        /// about the rules that choose, refuse and guard, which the fast path leaves as they are.
        case established
    }

    init(
        _ name: String, _ traits: Set<Trait> = [], _ prove: @escaping @Sendable (PacketBench) async throws -> Void
    ) {
        (self.name, self.traits, self.prove) = (name, traits, prove)
    }

    var testDescription: String { name }

    static let table: [Behaviour] = addresses + policies + choices + refusals + changes + flows + neighbours + sctp
}

@Suite("Every mode of the data plane does with packets what Services say", .serialized)
struct BehaviourTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let mode: Mode
        let behaviour: Behaviour
        let family: IPFamily

        var testDescription: String { "\(mode.name), \(family.kubernetesName): \(behaviour.name)" }
    }

    static let cases: [Case] = Mode.available.flatMap { mode in
        Behaviour.table.filter { mode.proves($0) && isWanted($0) }.flatMap { behaviour in
            families(behaviour).map { Case(mode: mode, behaviour: behaviour, family: $0) }
        }
    }

    /// An emulated machine is slow: there IPv6 is left to what is about addresses and refusals, where the families differ.
    private static func families(_ behaviour: Behaviour) -> [IPFamily] {
        let isTelling = (Behaviour.addresses + Behaviour.refusals).contains {
            $0.name == behaviour.name
        }
        return GuestMachine.isHere && !isTelling ? [.v4] : IPFamily.allCases
    }

    /// `BEHAVIOUR=affinity` in the environment: those whose name has the word.
    private static func isWanted(_ behaviour: Behaviour) -> Bool {
        if behaviour.traits.contains(.sctp), !RawSocket.hasSCTP {
            print("skipped: \"\(behaviour.name)\", since this kernel has no SCTP (modprobe sctp)")
            return false
        }
        return getenv("BEHAVIOUR").map { behaviour.name.contains(String(cString: $0)) } ?? true
    }

    @Test(arguments: cases)
    func `a behaviour holds`(this: Case) async throws {
        // Behaviours change nothing but the node: its surroundings serve them all.
        let surroundings = try Surroundings.taken()
        let bench = try await PacketBench(this.mode, this.family, in: surroundings)
        do {
            try await this.behaviour.prove(bench)
        } catch {
            await bench.close()
            throw error
        }
        await bench.close()
        surroundings.keep()
    }

    @Test func `a mode departs only from behaviours that there are`() {
        let names = Set(Behaviour.table.map(\.name))
        #expect(names.count == Behaviour.table.count)
        for mode in Mode.all { #expect(names.isSuperset(of: mode.deviations.keys), "\(mode.name)") }
    }
}
