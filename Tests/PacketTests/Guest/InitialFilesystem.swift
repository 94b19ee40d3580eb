import Glibc
import System

/// The files that a machine begins with: a cpio archive of the form that Linux reads ("newc").
struct InitialFilesystem {
    private(set) var bytes: [UInt8] = []
    private var folders: Set<String> = []
    private var number: UInt32 = 0

    mutating func add(folder path: String) {
        guard !path.isEmpty, folders.insert(path).inserted else { return }
        if let slash = path.lastIndex(of: "/") { add(folder: String(path[..<slash])) }
        append(path, mode: 0o040755, [])
    }

    mutating func add(_ path: String, _ content: [UInt8]) {
        if let slash = path.lastIndex(of: "/") { add(folder: String(path[..<slash])) }
        append(path, mode: 0o100755, content)
    }

    /// Puts a program there under the path that it has here, with the libraries that it is linked with.
    ///
    /// - Parameter source: where it is read from; nil for its path.
    mutating func add(program path: String, from source: String? = nil, libraries: inout Set<String>) throws {
        add(Self.relative(path), try FileBytes.read(source ?? path, limit: 1 << 30))
        for library in try Self.libraries(of: path) where libraries.insert(library).inserted {
            add(Self.relative(library), try FileBytes.read(library, limit: 1 << 30))
        }
    }

    /// The archive with its end.
    func finished() -> [UInt8] {
        var copy = self
        copy.append("TRAILER!!!", mode: 0, [])
        return copy.bytes
    }

    private static func relative(_ path: String) -> String { String(path.drop { $0 == "/" }) }

    private mutating func append(_ name: String, mode: UInt32, _ content: [UInt8]) {
        number += 1
        bytes += "070701".utf8
        let fields = [
            number, mode, 0, 0, 1, 0, UInt32(content.count), 0, 0, 0, 0, UInt32(name.utf8.count + 1), 0,
        ]
        for field in fields {
            let text = String(field, radix: 16)
            bytes += String(repeating: "0", count: 8 - text.count).utf8
            bytes += text.utf8
        }
        bytes += name.utf8
        bytes.append(0)
        pad()
        bytes += content
        pad()
    }

    private mutating func pad() { while bytes.count & 3 != 0 { bytes.append(0) } }

    /// What `ldd` tells: absolute paths, that of the loader included.
    private static func libraries(of program: String) throws -> [String] {
        guard let ldd = CommandRun.find("ldd") else { throw Namespace.Failure(description: "no ldd") }
        var output: [UInt8] = []
        _ = try CommandRun(ldd, [program]).run { output += $0 }
        return String(decoding: output, as: UTF8.self).split(separator: "\n").compactMap { line in
            line.split(separator: " ").map { $0.drop { $0 == "\t" } }.first { $0.hasPrefix("/") }.map(String.init)
        }
    }
}
