import Glibc
import Logging
import Testing
import Transport

@testable import DataPlane

@Suite(
    "A mode is chosen with a reason, or refused with one", .serialized,
    .enabled { Mode.available.contains { $0.name == "nftables" } })
struct ModeChoiceTests {
    /// What is chosen on a machine of its own.
    ///
    /// - Returns: the mode and the words, or the refusal; and the reasons of what is told as Events.
    private func choose(
        _ mode: ProxyMode, forwarding: Bool = true, besideAnother: Bool = false, wantsFastPath: Bool = false
    ) async throws -> (mode: ProxyMode?, words: String, told: [String]) {
        let namespace = try Namespace()
        let result: Result<EnforcerChoice, DataPlaneError> = try namespace.run {
            Namespace.sysctlHere(["ipv4/ip_forward": forwarding ? "1" : "0"])
            let other = besideAnother ? try KernelTableClaim() : nil
            defer { withExtendedLifetime(other) {} }
            return Result { () throws(DataPlaneError) in
                try EnforcerChoice(
                    mode, MasqueradePolicy(), scheduler: .roundRobin, wantsFastPath: wantsFastPath,
                    logger: Logger(label: "test")
                ) { UserspaceEnforcer(loops: []) }
            }
        }
        switch result {
        case .success(let choice):
            let told = await choice.obstacles?().map(\.reason) ?? []
            await choice.enforcer.shutDown(grace: .zero)
            return (choice.mode, choice.words, told)
        case .failure(let error): return (nil, error.message, [])
        }
    }

    @Test func `auto takes nftables where the kernel has it`() async throws {
        let choice = try await choose(.auto)
        #expect(choice.mode == .nftables && choice.words == "in the kernel by nftables")
    }

    @Test func `auto says why it stays in user space`() async throws {
        let still = try await choose(.auto, forwarding: false)
        #expect(still.mode == .userspace && still.told == ["ForwardingOff"])
        #expect(
            still.words.hasPrefix("in user space, since net.ipv4.ip_forward is 0 (sysctl -w net.ipv4.ip_forward=1 "))
        let second = try await choose(.auto, besideAnother: true)
        #expect(second.mode == .userspace && second.words.hasPrefix("in user space, since another "), "\(second.words)")
    }

    @Test(arguments: [ProxyMode.nftables, .iptables, .ipvs])
    func `a mode that was asked for and cannot be had is refused by its name`(mode: ProxyMode) async throws {
        let choice = try await choose(mode, besideAnother: true)
        #expect(choice.mode == nil && choice.words.hasPrefix("--proxy-mode \(mode.rawValue): "), "\(choice.words)")
    }

    @Test func `what was asked for is taken, whatever auto would say`() async throws {
        #expect(try await choose(.nftables, forwarding: false).words == "in the kernel by nftables")
        #expect(try await choose(.userspace).words == "in user space")
        if Mode.available.contains(where: { $0.name == "iptables" }) {
            #expect(try await choose(.iptables).words == "in the kernel by iptables")
        }
        let ipvs = try await choose(.ipvs)
        if Mode.available.contains(where: { $0.name == "ipvs" }) {
            #expect(ipvs.words == "in the kernel by IPVS (rr)")
        } else {
            #expect(
                ipvs.words.hasPrefix("--proxy-mode ipvs: ") && ipvs.words.contains("modprobe ip_vs"), "\(ipvs.words)")
        }
    }

    @Test func `a flowtable that there is not is done without, and told`() async throws {
        guard !Mode.available.contains(where: { $0.name == "flowtable" }) else {
            return print("skipped: this kernel has flowtables")
        }
        let choice = try await choose(.nftables, wantsFastPath: true)
        #expect(choice.mode == .nftables && choice.told.contains("NoFlowtable"))
    }
}
