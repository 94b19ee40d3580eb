import Glibc
import System
import Testing

/// Runs what needs IPVS or flowtables in a virtual machine, since the kernels that tests run on often have none.
@Suite(
    "What this machine's kernel may lack, in a machine whose kernel has it", .serialized,
    .enabled { GuestMachine.whyNot == nil })
struct GuestTests {
    @Test func `the table of behaviours holds there in the mode ipvs`() throws {
        let own = try #require(GuestMachine.ownProgram)
        // `GUEST_FILTER=IPVSTests` in the environment: those only.
        let filter = getenv("GUEST_FILTER").map { String(cString: $0) } ?? "BehaviourTests|IPVSTests|IPVSModeTests"
        let behaviour = getenv("BEHAVIOUR").map { "export BEHAVIOUR='\(String(cString: $0))'" } ?? ""
        let (ending, console) = try GuestMachine.run(
            own,
            """
            export MODE=ipvs
            \(behaviour)
            \(own) --testing-library swift-testing --no-parallel --filter '\(filter)'
            echo "the guest's tests ended with $?"
            # What this machine's kernel may lack as well.
            MODE=nftables BEHAVIOUR=SCTP \(own) --testing-library swift-testing --no-parallel --filter BehaviourTests
            echo "the guest's tests of nftables ended with $?"
            """)
        check(ending, console, endings: "the guest's tests ended with 0", "the guest's tests of nftables ended with 0")
    }

    @Test func `the table of behaviours holds there with a flowtable`() throws {
        let own = try #require(GuestMachine.ownProgram)
        let (ending, console) = try GuestMachine.run(
            own,
            """
            export MODE=flowtable
            \(own) --testing-library swift-testing --no-parallel --filter 'BehaviourTests|FastPathTests'
            echo "the guest's tests ended with $?"
            """)
        check(ending, console, endings: "the guest's tests ended with 0")
        #expect(console.contains { $0.contains("packets of an established connection pass no rule") })
    }

    private func check(_ ending: CommandRun.Ending, _ console: [Substring], endings: String...) {
        keep(console)
        for line in console where line.contains("✘") || line.contains("recorded an issue") {
            Issue.record("in the guest: \(line)")
        }
        let last = console.suffix(40).joined(separator: "\n")
        #expect(ending.isSuccess, "\(ending.complaint)\n\(last)")
        for words in endings { #expect(console.contains { $0.contains(words) }, "\(last)") }
    }

    @Test func `the program enforces, tells and cleans up`() throws {
        // Built beside the tests.
        let own = try #require(GuestMachine.ownProgram)
        let martlet =
            own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/martlet"
        let (ending, console) = try GuestMachine.run(
            martlet,
            """
            ip link set lo up
            ip link add eth0 type dummy
            ip addr add 192.0.2.10/24 dev eth0
            ip link set eth0 up
            echo 1 >/proc/sys/net/ipv4/ip_forward
            run() { echo "= $1"; shift; "$@" 2>&1 | b sed 's/^/: /'; }
            \(martlet) up --data-dir /tmp/data --proxy-mode ipvs --ipvs-scheduler wrr \
                --service-cluster-ip-range 10.96.0.0/16 >/tmp/log 2>&1 &
            up=$!
            for i in $(b seq 60); do
                \(martlet) dataplane dump default/kubernetes --kubeconfig /tmp/data/admin.kubeconfig >/tmp/dump 2>&1 \
                    && break
                b sleep 1
            done
            run dump /bin/busybox cat /tmp/dump
            b nc -w 10 10.96.0.1 443 </dev/null >/dev/null && echo "connected to the cluster IP"
            b ls /sys/class/net | b grep kube
            run 'cleanup beside it' \(martlet) dataplane --cleanup
            kill $up
            wait $up
            run cleanup \(martlet) dataplane --cleanup
            run 'cleanup again' \(martlet) dataplane --cleanup
            b ls /sys/class/net | b grep kube || echo "no device is left"
            b grep -h . /proc/sys/net/ipv4/vs/conntrack /proc/net/ip_vs
            """)
        keep(console)
        let text = console.joined(separator: "\n")
        #expect(ending.isSuccess, "\(ending.complaint)\n\(text)")
        func expect(_ words: String) { #expect(text.contains(words), "\(words), in\n\(text)") }
        expect(": default/kubernetes\n:   10.96.0.1:443/TCP: cluster IP, to one of 1 by IPVS (wrr): ")
        expect("connected to the cluster IP\nkube-ipvs0")
        expect("= cleanup beside it\n: ")
        expect("= cleanup\n: removed the table inet martlet\n: removed ")
        expect(" virtual servers of IPVS\n: removed the device kube-ipvs0\n")
        // There is no API to ask for BGP peers.
        expect("= cleanup again\n: nothing to remove\n: martlet: BGP peers, if there are any, were not told: ")
        expect("\nno device is left\n0\n")
    }

    /// `GUEST_CONSOLE=path` in the environment: what the machine wrote is kept there.
    private func keep(_ console: [Substring]) {
        guard let path = getenv("GUEST_CONSOLE"), let file = fopen(path, "we") else { return }
        fputs(console.joined(separator: "\n"), file)
        fclose(file)
    }
}
