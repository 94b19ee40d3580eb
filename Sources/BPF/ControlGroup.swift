internal import Glibc
package import System

/// A control group of the second version (cgroups(7)): a folder.
package struct ControlGroup: Hashable, Sendable, CustomStringConvertible {
    package let path: String
    /// What the kernel knows it by.
    package let identifier: UInt64

    /// - Throws: `SystemError` where it is none.
    package init(_ path: String) throws(SystemError) {
        var facts = stat()
        guard stat(path, &facts) == 0 else { throw SystemError("look at the control group \(path)", number: errno) }
        // Groups of the first version have no such file.
        guard access("\(path)/cgroup.controllers", F_OK) == 0 else {
            throw SystemError("use \(path) as a control group of the second version", number: EINVAL)
        }
        self.init(path: path, identifier: UInt64(facts.st_ino))
    }

    package init(path: String, identifier: UInt64) {
        self.path = path
        self.identifier = identifier
    }

    /// Where the hierarchy is mounted, by `/proc/self/mountinfo` (proc_pid_mountinfo(5)); nil where it is not. The first
    /// of several.
    package static func root(mounts: String) -> String? { mountPoint(of: "cgroup2", in: mounts) }

    /// Where a file system of a type is mounted.
    package static func mountPoint(of type: String, in mounts: String) -> String? {
        for line in mounts.split(separator: "\n") {
            guard let dash = line.firstRange(of: " - ") else { continue }
            let words = line[..<dash.lowerBound].split(separator: " ")
            guard words.count > 4, line[dash.upperBound...].split(separator: " ").first == type[...] else { continue }
            return unescaped(words[4])
        }
        return nil
    }

    /// Blanks and the like stand as `\040`.
    private static func unescaped(_ text: Substring) -> String {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                result.append(code)
                rest = rest.dropFirst(3)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    package var description: String { path }
}
