import Foundation
import Testing

@testable import System

@Suite("Small files") struct FileBytesTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")

    private func withFolder(_ body: (String) throws -> Void) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // Nothing else is in it.
        try body(folder.appending(path: "file").path)
    }

    @Test func `a file is read as it was written, whatever its length`() throws {
        try withFolder { path in
            for count in [0, 1, 16_384, 40_000] {
                let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                try FileBytes.replace(path, with: bytes)
                #expect(try FileBytes.read(path) == bytes)
            }
        }
    }

    @Test func `replacing sets the mode and leaves nothing beside the file`() throws {
        try withFolder { path in
            try FileBytes.replace(path, with: [1], mode: 0o644)
            try FileBytes.replace(path, with: [2], mode: 0o600)
            var status = stat()
            #expect(stat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
        }
    }

    @Test func `an absent file is told from one that cannot be read`() throws {
        try withFolder { path in
            let absent = try FileBytes.readIfPresent(path)
            #expect(absent == nil)
            #expect(FileBytes.ageInDays(path) == .max)
            #expect(throws: SystemError("read \(path)", number: ENOENT)) { try FileBytes.read(path) }
            #expect(throws: SystemError("read \(folder.path)", number: EISDIR)) {
                try FileBytes.readIfPresent(folder.path)
            }
        }
    }

    @Test func `a file beyond the limit is refused`() throws {
        try withFolder { path in
            try FileBytes.replace(path, with: [UInt8](repeating: 7, count: 100))
            #expect(try FileBytes.read(path, limit: 100).count == 100)
            #expect(throws: SystemError("read \(path)", number: EFBIG)) { try FileBytes.read(path, limit: 99) }
        }
    }

    @Test func `an error names the operation and the system's reason`() {
        let error = SystemError("read /nowhere", number: ENOENT)
        #expect(error.description == "cannot read /nowhere: No such file or directory")
    }
}
