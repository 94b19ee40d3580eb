import Glibc
import System
import Testing

/// Runs the table of behaviours against the mode ipvs in a virtual machine, since the kernels that tests run on often have
/// no IPVS.
@Suite("The mode ipvs, in a machine whose kernel has IPVS", .enabled { GuestMachine.whyNot == nil })
struct IPVSGuestTests {
    @Test func `the table of behaviours holds there`() throws {
        // `GUEST_FILTER=IPVSTests` in the environment: those only.
        let filter = getenv("GUEST_FILTER").map { String(cString: $0) } ?? "BehaviourTests|IPVSTests|IPVSModeTests"
        let (ending, console) = try GuestMachine.run(tests: filter)
        if let path = getenv("GUEST_CONSOLE"), let file = fopen(path, "we") {
            fputs(console.joined(separator: "\n"), file)
            fclose(file)
        }
        for line in console where line.contains("✘") || line.contains("recorded an issue") {
            Issue.record("in the guest: \(line)")
        }
        let last = console.suffix(40).joined(separator: "\n")
        #expect(ending.isSuccess, "\(ending.complaint)\n\(last)")
        #expect(console.contains { $0.contains("the guest's tests ended with 0") }, "\(last)")
    }
}
