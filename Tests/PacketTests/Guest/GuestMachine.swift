import Glibc
import System
import Testing

/// A virtual machine whose kernel has IPVS and flowtables, and whose only program is the one that runs here. It boots in seconds and ends
/// by itself.
enum GuestMachine {
    /// Whether this program runs in it.
    static let isHere = getenv("MARTLET_GUEST") != nil

    /// Why the machine cannot be had; said once.
    static let whyNot: String? = {
        var reason: String?
        if isHere {
            return "this is the guest"
        } else if geteuid() != 0 {
            reason = "namespaces need root"
        } else if CommandRun.find("qemu-system-x86_64") == nil {
            reason = "qemu-system-x86_64 is not installed"
        } else if CommandRun.find("busybox") == nil {
            reason = "busybox is not installed"
        } else if GuestKernel() == nil {
            reason = "there is no \(GuestKernel.folder) (scripts/fetch-guest-kernel.sh)"
        }
        if let reason { print("packet tests in a virtual machine are skipped: \(reason)") }
        return reason
    }()

    private static let modules = [
        "crc32c_generic", "dummy", "veth", "nf_tables", "nft_chain_nat", "nft_nat", "nft_masq", "nft_reject_inet",
        "nft_ct", "nft_numgen", "nft_hash", "nf_conntrack_netlink", "ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_lc",
        "ip_vs_sh", "ip_vs_mh", "sctp", "nf_flow_table", "nf_flow_table_inet", "nft_flow_offload",
    ]
    /// The most that the machine may take: it is killed then. Emulated it takes a fraction of that.
    private static let limit = Duration.seconds(600)

    /// Boots it, and returns what it wrote to its console.
    ///
    /// - Parameters:
    ///   - program: the path of a program that it has at the same path.
    ///   - script: what it does, as its first process and for `sh`. It has `ip`, and all of busybox as `b`.
    static func run(_ program: String, _ script: String) throws -> (
        ending: CommandRun.Ending, console: [Substring]
    ) {
        guard let kernel = GuestKernel(), let qemu = CommandRun.find("qemu-system-x86_64") else {
            throw Namespace.Failure(description: whyNot ?? "no machine")
        }
        let image = try filesystem(kernel, program, script)
        defer { unlink(image) }
        var console: [UInt8] = []
        let ending = try CommandRun(
            qemu,
            [
                "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1536", "-nodefaults", "-no-reboot",
                "-display", "none", "-serial", "stdio", "-kernel", kernel.image, "-initrd", image, "-append",
                "console=ttyS0 panic=-1 quiet mitigations=off random.trust_cpu=on rcupdate.rcu_expedited=1 "
                    + "nowatchdog printk.time=0",
            ], timeout: limit
        ).run { console += $0 }
        return (ending, String(decoding: console, as: UTF8.self).split(whereSeparator: \.isNewline))
    }

    /// Writes the machine's files, and returns where.
    private static func filesystem(_ kernel: GuestKernel, _ program: String, _ work: String) throws -> String {
        var files = InitialFilesystem()
        for folder in ["proc", "sys", "dev", "tmp", "run"] { files.add(folder: folder) }
        guard let busybox = CommandRun.find("busybox"), let ip = CommandRun.find("ip") else {
            throw Namespace.Failure(description: "no busybox, or no ip")
        }
        files.add("bin/busybox", try FileBytes.read(busybox, limit: 16 << 20))
        var libraries: Set<String> = []
        try files.add(program: ip, libraries: &libraries)
        let stripped = try strip(program)
        defer { unlink(stripped) }
        try files.add(program: program, from: stripped, libraries: &libraries)
        var script = """
            #!/bin/busybox sh
            export PATH=/usr/sbin:/usr/bin:/sbin:/bin MARTLET_GUEST=1
            alias b=/bin/busybox
            /bin/busybox mount -t proc proc /proc
            /bin/busybox mount -t sysfs sysfs /sys
            /bin/busybox mount -t devtmpfs devtmpfs /dev

            """
        for module in try kernel.loading(modules) {
            files.add("modules/\(module.name).ko", module.content)
            script += "/bin/busybox insmod /modules/\(module.name).ko\n"
        }
        script += work + "\nb poweroff -f\n"
        files.add("init", Array(script.utf8))
        return try write(files.finished())
    }

    /// The path of this program.
    static var ownProgram: String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink("/proc/self/exe", $0.assumingMemoryBound(to: CChar.self), bytes.count) }
                ?? -1
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    /// A copy without what debuggers need.
    private static func strip(_ program: String) throws -> String {
        let copy = "/tmp/martlet-guest-\(getpid()).program"
        guard let strip = CommandRun.find("strip") else { throw Namespace.Failure(description: "no strip") }
        let ending = try CommandRun(strip, ["-g", "-o", copy, program]).run()
        guard ending.isSuccess else { throw Namespace.Failure(description: "strip: \(ending.complaint)") }
        return copy
    }

    private static func write(_ bytes: [UInt8]) throws -> String {
        let path = "/tmp/martlet-guest-\(getpid()).cpio"
        guard let file = fopen(path, "we") else { throw SystemError("open \(path)", number: errno) }
        defer { fclose(file) }
        guard bytes.withUnsafeBytes({ fwrite($0.baseAddress, 1, $0.count, file) }) == bytes.count else {
            throw SystemError("write \(path)", number: errno)
        }
        return path
    }
}
