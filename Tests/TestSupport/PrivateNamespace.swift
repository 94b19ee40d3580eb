internal import Foundation
internal import Synchronization

/// A network namespace that only one thread is in: what the thread opens belongs to it, and it is gone with that.
///
/// Rules that a test loads touch nobody.
package enum PrivateNamespace {
    /// Making one needs CAP_SYS_ADMIN.
    package static let isAvailable: Bool = geteuid() == 0 && (try? run { true }) == true

    package struct Failure: Error {}

    /// `unshare`, which Glibc's module does not show; 0x40000000 is CLONE_NEWNET.
    private static func leave(_ flags: Int32) -> Int32 {
        guard let symbol = dlsym(nil, "unshare") else { return -1 }
        return unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)(flags)
    }

    /// Runs `body` on a thread in a namespace of its own.
    package static func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
        let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            let result = Swift.Result<Result, any Error> {
                guard leave(0x4000_0000) == 0 else { throw Failure() }
                return try body()
            }
            outcome.withLock { $0 = result }
            done.signal()
        }
        thread.stackSize = 4 << 20
        thread.start()
        done.wait()
        return try outcome.withLock { try $0?.get() } ?? { throw Failure() }()
    }

    /// Runs a command in the namespace of this thread and returns what it printed.
    package static func output(of command: String) throws -> String {
        guard let pipe = popen(command, "r") else { throw Failure() }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = fread(&chunk, 1, chunk.count, pipe)
            if count == 0 { break }
            text += chunk[..<count]
        }
        guard pclose(pipe) == 0 else { throw Failure() }
        return String(decoding: text, as: UTF8.self)
    }
}
