import Glibc
import System
import Testing

@Suite("Which process") struct ProcessIdentityTests {
    @Test func `a process is alive while it runs, and one of its number with another start is not`() {
        let own = ProcessIdentity.current
        #expect(own.isAlive && own.pid == getpid() && own.started > 0)
        #expect(!ProcessIdentity(pid: own.pid, started: own.started - 1).isAlive)
        #expect(!ProcessIdentity(pid: .max, started: own.started).isAlive)
    }

    @Test(arguments: ["", "1", "1@", "@1", "-1@1", "x@1", "1@2@3"])
    func `what is written otherwise is none`(text: String) {
        #expect(ProcessIdentity(text) == nil)
        #expect(ProcessIdentity("\(ProcessIdentity.current)") == ProcessIdentity.current)
    }
}
