import Foundation
import System
import Testing

@testable import martlet

@Suite("A data directory that others could have written is refused")
struct DirectoryTrustTests {
    /// A directory that goes with the test.
    private func inDirectory(_ body: (String) throws -> Void) throws {
        let path = "/tmp/martlet-trust-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: path) }  // Left-over files do no harm.
        try body(path)
    }

    private func refusal(_ path: String, user: uid_t = geteuid()) -> String? {
        do {
            try DirectoryTrust.check(path, user: user)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `a directory of our own is taken, and files in it are private from the first moment`() throws {
        try inDirectory { path in
            let directory = try DataDirectory(path)
            try FileBytes.replace(directory.adminToken, with: [1])
            try FileBytes.replace(directory.caCertificate, with: [1], mode: 0o644)
            #expect(refusal(path) == nil)
            _ = try DataDirectory(path)
            var status = stat()
            #expect(stat(directory.adminToken, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func `one that belongs to somebody else is refused with its owner and the mend`() throws {
        try inDirectory { path in
            _ = try DataDirectory(path)
            let text = try #require(refusal(path, user: geteuid() + 1))
            #expect(text.contains("belongs to user \(geteuid())"))
            #expect(text.contains("chown"))
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root gives files away"))
    func `in one that belongs to somebody else nothing is made before it is refused`() throws {
        try inDirectory { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            chmod(path, 0o700)
            chown(path, 12345, 12345)
            #expect {
                try DataDirectory(path)
            } throws: {
                "\($0)".contains("\(path) belongs to user 12345") && "\($0)".contains("give another --data-dir")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
        }
    }

    @Test(arguments: [mode_t(0o770), 0o707, 0o1777])
    func `one that others may write is refused`(mode: mode_t) throws {
        try inDirectory { path in
            _ = try DataDirectory(path)
            chmod(path, mode)
            #expect(refusal(path)?.contains("chmod go-w \(path)") == true)
            #expect(throws: UntrustedFileError.self) { try DataDirectory(path) }
        }
    }

    @Test(arguments: [
        "ca.key", "admin.token", "tokens.csv", "admin.kubeconfig", "martlet.db", "martlet.db-wal", "martlet.db-shm",
    ])
    func `a secret that others may read is refused with the mend`(name: String) throws {
        try inDirectory { path in
            let directory = try DataDirectory(path)
            try FileBytes.replace(directory.file(name), with: [1])
            chmod(directory.file(name), 0o640)
            #expect(refusal(path)?.contains("chmod 600 \(path)/\(name)") == true)
        }
    }

    @Test func `a link to a secret that others may read or write is refused`() throws {
        try inDirectory { path in
            let directory = try DataDirectory(path + "/data")
            let elsewhere = path + "/elsewhere"
            try FileBytes.replace(elsewhere, with: [1])
            #expect(symlink("../elsewhere", directory.file("ca.key")) == 0)
            #expect(refusal(directory.path) == nil)
            chmod(elsewhere, 0o640)
            #expect(refusal(directory.path)?.contains("chmod 600 \(path)/elsewhere") == true)
            chmod(elsewhere, 0o666)
            #expect(refusal(directory.path)?.contains("chmod go-w \(path)/elsewhere") == true)
            unlink(elsewhere)
            #expect(refusal(directory.path) == nil)
        }
    }

    @Test func `a link that leads in a circle is an error`() throws {
        try inDirectory { path in
            let directory = try DataDirectory(path)
            #expect(symlink("ca.key", directory.file("ca.key")) == 0)
            #expect(refusal(path)?.contains("follow") == true)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root gives files away"))
    func `a link to somebody else's file is refused, and somebody else's link`() throws {
        try inDirectory { path in
            let directory = try DataDirectory(path + "/data")
            let elsewhere = path + "/elsewhere"
            try FileBytes.replace(elsewhere, with: [1])
            #expect(symlink(elsewhere, directory.file("ca.key")) == 0)
            chown(elsewhere, 12345, 12345)
            #expect(refusal(directory.path)?.contains("\(elsewhere) belongs to user 12345") == true)
            chown(elsewhere, 0, 0)
            lchown(directory.file("ca.key"), 12345, 12345)
            #expect(refusal(directory.path)?.contains("is a link of user 12345") == true)
        }
    }

    @Test func `a directory in one that others may write is refused, except with the sticky bit`() throws {
        try inDirectory { path in
            let directory = try DataDirectory(path + "/open/data")
            let parent = path + "/open"
            chmod(parent, 0o777)
            #expect(refusal(directory.path)?.contains("chmod go-w \(parent)") == true)
            // The way over a link is as open.
            #expect(symlink(directory.path, path + "/link") == 0)
            #expect(refusal(path + "/link")?.contains("chmod go-w \(parent)") == true)
            chmod(parent, 0o1777)
            #expect(refusal(directory.path) == nil && refusal(path + "/link") == nil)
            // A group that is the user's own has nobody else.
            chmod(parent, 0o770)
            #expect(refusal(directory.path) == nil)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root gives files away"))
    func `a directory above that a foreign group may write, or that is somebody else's, is refused`() throws {
        try inDirectory { path in
            let directory = try DataDirectory(path + "/open/data")
            let parent = path + "/open"
            chmod(parent, 0o770)
            chown(parent, 0, 12345)
            #expect(refusal(directory.path)?.contains("chmod g-w \(parent)") == true)
            chmod(parent, 0o755)
            #expect(refusal(directory.path) == nil)
            chown(parent, 12345, 0)
            #expect(refusal(directory.path)?.contains("\(parent) belongs to user 12345") == true)
        }
    }

    @Test func `a store that others may write or read is refused`() throws {
        try inDirectory { path in
            let directory = try DataDirectory(path)
            try FileBytes.replace(directory.store, with: [1])
            chmod(directory.store, 0o644)
            #expect(refusal(path)?.contains("replace what its Secrets hold") == true)
            chmod(directory.store, 0o600)
            #expect(refusal(path) == nil)
            chmod(directory.store, 0o666)
            #expect(refusal(path)?.contains("may be written by others") == true)
        }
    }
}
