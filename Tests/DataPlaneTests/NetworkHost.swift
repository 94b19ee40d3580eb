import Foundation
import NetworkTypes
import Synchronization
import Testing

/// A host of a test's own network: a namespace that one thread is in. What the thread opens belongs to it; it is gone
/// with the thread and its sockets.
final class NetworkHost: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Making one needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN) and iproute2.
    static let isAvailable: Bool =
        geteuid() == 0 && ["/usr/sbin/ip", "/sbin/ip"].contains { access($0, X_OK) == 0 }
        && (try? NetworkHost()) != nil

    private let jobs: JobQueue
    /// The thread's number, by which `ip` finds its namespace.
    let thread: Int

    init() throws {
        let jobs = JobQueue()
        let started = Mutex<Int?>(nil)
        let isStarted = DispatchSemaphore(value: 0)
        let thread = Thread {
            // CLONE_NEWNET; Glibc's module shows neither call.
            let isAlone = Self.call("unshare", 0x4000_0000) == 0
            started.withLock { $0 = isAlone ? Int(Self.call("gettid")) : nil }
            isStarted.signal()
            if isAlone { jobs.work() }
        }
        thread.stackSize = 1 << 20
        thread.start()
        isStarted.wait()
        guard let number = started.withLock({ $0 }) else { throw Failure(description: "no namespace to be had") }
        self.jobs = jobs
        self.thread = number
        try shell("ip link set lo up")
    }

    deinit { jobs.stop() }

    /// Runs `body` on the host and returns what it returns.
    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
        let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)
        let done = DispatchSemaphore(value: 0)
        jobs.add {
            let result = Swift.Result { try body() }
            outcome.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        guard let result = outcome.withLock({ $0 }) else { throw Failure(description: "the host is gone") }
        return try result.get()
    }

    /// Runs a command on the host and returns what it printed.
    @discardableResult
    func shell(_ command: String) throws -> String {
        try run {
            guard let pipe = popen(command + " 2>&1", "r") else { throw Failure(description: command) }
            var text: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = fread(&chunk, 1, chunk.count, pipe)
                if count == 0 { break }
                text += chunk[..<count]
            }
            let output = String(decoding: text, as: UTF8.self)
            guard pclose(pipe) == 0 else { throw Failure(description: "\(command): \(output)") }
            return output
        }
    }

    /// Makes this thread's further sockets belong to the host.
    func enter() throws {
        let descriptor = open("/proc/self/task/\(thread)/ns/net", O_RDONLY)
        defer { close(descriptor) }
        guard descriptor >= 0, Self.call("setns", descriptor, 0) == 0 else { throw Failure(description: "setns") }
    }

    /// Connects two hosts by a pair of virtual Ethernet devices.
    func link(_ device: String, _ addresses: [String], to other: NetworkHost, _ device2: String, _ addresses2: [String])
        throws
    {
        try shell("ip link add \(device) type veth peer name \(device2) netns \(other.thread)")
        for (host, device, addresses) in [(self, device, addresses), (other, device2, addresses2)] {
            for address in addresses {
                try host.shell("ip addr add \(address) dev \(device)\(address.contains(":") ? " nodad" : "")")
            }
            try host.shell("ip link set \(device) up")
        }
    }

    private static func call(_ name: String, _ a: Int32 = 0, _ b: Int32 = 0) -> Int32 {
        guard let symbol = dlsym(nil, name) else { return -1 }
        return unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)(a, b)
    }
}

private final class JobQueue: Sendable {
    private let jobs = Mutex<[@Sendable () -> Void]>([])
    private let isStopped = Mutex(false)
    private let signal = DispatchSemaphore(value: 0)

    func add(_ job: @escaping @Sendable () -> Void) {
        jobs.withLock { $0.append(job) }
        signal.signal()
    }

    func stop() {
        isStopped.withLock { $0 = true }
        signal.signal()
    }

    func work() {
        while true {
            signal.wait()
            if isStopped.withLock({ $0 }) { return }
            let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            job?()
        }
    }
}
