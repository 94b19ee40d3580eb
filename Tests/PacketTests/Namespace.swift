import CNamespaces
import Foundation
import System

/// A network namespace without a name: it is gone, with its devices and rules, when nobody holds its descriptor any
/// more, also when the process is killed.
final class Namespace: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let descriptor: Int32

    init() throws {
        let made = onThread { martlet_namespace_make() }
        guard made >= 0 else {
            throw Failure(description: "make a network namespace: \(String(cString: strerror(errno)))")
        }
        descriptor = made
    }

    deinit { close(descriptor) }

    /// Where `ip` finds it.
    var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

    /// Runs `body` on a thread inside, and waits for it. What the body opens or starts (sockets, threads, processes)
    /// stays inside.
    func run<Value>(_ body: () throws -> Value) throws -> Value {
        let result = onThread { () -> Result<Value, any Error> in
            guard martlet_namespace_enter(descriptor) == 0 else {
                return .failure(Failure(description: "enter a namespace: \(String(cString: strerror(errno)))"))
            }
            return Result { try body() }
        }
        return try result.get()
    }

    /// Runs lines of `ip -batch`.
    func configure(_ lines: String...) throws { try configure(lines) }

    func configure(_ lines: [String]) throws {
        _ = try command(["ip", "-batch", "-"], input: lines.joined(separator: "\n") + "\n")
    }

    /// Runs a program inside and returns what it prints.
    @discardableResult
    func command(_ arguments: [String], input: String = "") throws -> String {
        guard let executable = CommandRun.find(arguments[0]) else {
            throw Failure(description: "\(arguments[0]) is not installed")
        }
        return try run {
            var output: [UInt8] = []
            let ending = try CommandRun(executable, Array(arguments.dropFirst())).run(input: Array(input.utf8)) {
                output += $0
            }
            guard ending.isSuccess else {
                throw Failure(description: "\(arguments.joined(separator: " ")): \(ending.complaint)\n\(input)")
            }
            return String(decoding: output, as: UTF8.self)
        }
    }

    /// Sets what is below /proc/sys/net; what this kernel lacks is left alone.
    func sysctl(_ settings: [String: String]) throws { try run { Self.sysctlHere(settings) } }

    /// The same in the namespace of the calling thread.
    static func sysctlHere(_ settings: [String: String]) {
        for (name, value) in settings {
            let file = open("/proc/sys/net/" + name, O_WRONLY | O_CLOEXEC)
            guard file >= 0 else { continue }
            _ = value.withCString { write(file, $0, strlen($0)) }
            close(file)
        }
    }
}

/// Runs `body` on a thread of its own, and waits for it.
private func onThread<Value>(_ body: () -> Value) -> Value {
    withoutActuallyEscaping(body) { body in
        // The calling thread waits for the other one: only one of them runs at a time.
        nonisolated(unsafe) var value: Value?
        nonisolated(unsafe) let work = body
        guard let thread = try? BackgroundThread(name: "namespace", { value = work() }) else {
            preconditionFailure("no thread to be had")
        }
        thread.join()
        guard let value else { preconditionFailure("the thread ended without a value") }
        return value
    }
}
