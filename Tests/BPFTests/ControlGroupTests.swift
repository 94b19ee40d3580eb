import BPF
import System
import Testing

@Suite("Where control groups and names of programs are found") struct ControlGroupTests {
    private let mounts = """
        22 1 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
        31 22 0:27 / /sys/fs/cgroup/with\\040blank rw shared:9 - cgroup2 cgroup2 rw
        32 22 0:28 / /sys/fs/bpf rw - bpf bpf rw,mode=700
        33 22 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory

        """

    @Test func `mount points are read from the kernel's list`() {
        #expect(ControlGroup.root(mounts: mounts) == "/sys/fs/cgroup/with blank")
        #expect(ControlGroup.mountPoint(of: "bpf", in: mounts) == "/sys/fs/bpf")
        #expect(ControlGroup.mountPoint(of: "tracefs", in: mounts) == nil)
        #expect(ControlGroup.root(mounts: "nonsense\n- cgroup2\n") == nil)
    }

    @Test func `a folder that is no control group is refused`() {
        #expect(throws: SystemError.self) { try ControlGroup("/tmp") }
        #expect(throws: SystemError.self) { try ControlGroup("/nowhere") }
    }
}
