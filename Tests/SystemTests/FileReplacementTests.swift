import Foundation
import Testing

@testable import System

@Suite("Small files are written whole or not at all")
struct FileReplacementTests {
    private let directory: String

    init() throws {
        directory = "/tmp/martlet-files-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    private func clean() { try? FileManager.default.removeItem(atPath: directory) }  // Left-over files do no harm.

    private func identity(_ path: String) -> ino_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_ino : 0
    }

    @Test func `content and mode are as asked for, and another content replaces the file`() throws {
        defer { clean() }
        let path = "\(directory)/a"
        try FileBytes.replace(path, with: Array("one".utf8))
        let first = identity(path)
        try FileBytes.replace(path, with: Array("two".utf8), mode: 0o644)
        #expect(try FileBytes.readIfPresent(path) == Array("two".utf8))
        #expect(identity(path) != first)
        #expect(FileBytes.names(in: directory) == ["a"])
    }

    @Test func `a file that has the content already is left as it is`() throws {
        defer { clean() }
        let path = "\(directory)/a"
        try FileBytes.replace(path, with: Array("one".utf8))
        let first = identity(path)
        try FileBytes.replace(path, with: Array("one".utf8))
        #expect(identity(path) == first)
        // Another mode is a change.
        chmod(path, 0o644)
        try FileBytes.replace(path, with: Array("one".utf8))
        #expect(identity(path) != first)
    }

    @Test func `what cannot be written leaves nothing behind`() throws {
        defer { clean() }
        // A directory of the name cannot be replaced.
        try FileManager.default.createDirectory(atPath: "\(directory)/a/b", withIntermediateDirectories: true)
        #expect(throws: SystemError.self) { try FileBytes.replace("\(directory)/a", with: [1]) }
        #expect(FileBytes.names(in: directory) == ["a"])
    }

    @Test func `a full disk is named, with what to do`() {
        // The device that is always full.
        errno = ENOSPC
        let error = SystemError("write /data/ca.key", number: ENOSPC)
        #expect(error.description.contains("No space left on device; free some space"))
    }

    @Test func `what dead writers left is removed, what living ones write is not`() throws {
        defer { clean() }
        let files = ["a.\(getpid()).new", "b.4194303.new", "c.1.new", "d.new", "e"]
        for name in files { try FileBytes.replace("\(directory)/\(name)", with: [1]) }
        FileBytes.removeLeftovers(in: directory)
        // Process 1 lives; our own process begins, so that its number is from an earlier life.
        #expect(FileBytes.names(in: directory).sorted() == ["c.1.new", "d.new", "e"])
    }
}
