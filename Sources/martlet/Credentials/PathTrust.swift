import Glibc
import System

/// Whether what a path leads to is what its owner has put there: nobody but `user` and root may replace a directory or a
/// link on the way.
struct PathTrust {
    let user: uid_t
    /// Who may write along with the user; others' groups may not.
    var group: gid_t = getegid()

    /// As many links as the kernel follows (path_resolution(7)).
    private static var maxLinks: Int { 40 }

    /// Goes the whole way from `/`, links included.
    ///
    /// - Parameter path: absolute.
    /// - Returns: where it ends and what is there, which is not judged here; nil where nothing is.
    /// - Throws: ``UntrustedFileError`` with the mend.
    func follow(_ path: String) throws -> (path: String, status: stat)? {
        var status = stat()
        guard stat("/", &status) == 0 else { throw SystemError("look at /", number: errno) }
        // Whoever owns the root of the tree has it all; within a user namespace that is not user 0.
        let root = status.st_uid
        var steps = Self.steps(path)
        var current = ""
        var links = 0
        while let step = steps.popLast() {
            if step == "." { continue }
            if step == ".." {
                current = current.lastIndex(of: "/").map { String(current[..<$0]) } ?? ""
                continue
            }
            let directory = current.isEmpty ? "/" : current
            guard stat(directory, &status) == 0 else { throw SystemError("look at \(directory)", number: errno) }
            // What is passed on the way can be replaced by whoever may write into where it lies.
            try check(status, directory, onWayTo: path, root: root)
            let next = current + "/" + step
            guard lstat(next, &status) == 0 else {
                if errno == ENOENT { return nil }
                throw SystemError("look at \(next)", number: errno)
            }
            guard status.st_mode & S_IFMT == S_IFLNK else {
                current = next
                continue
            }
            guard status.st_uid == user || status.st_uid == 0 || status.st_uid == root else {
                throw UntrustedFileError(
                    "\(next) is a link of user \(status.st_uid), who may point it anywhere, and \(path) leads over it: "
                        + "remove it, or, if it is yours, chown -h \(user) \(next)")
            }
            links += 1
            guard links <= Self.maxLinks else { throw SystemError("follow \(path)", number: ELOOP) }
            let target = try Self.target(of: next)
            if target.hasPrefix("/") { current = "" }
            steps += Self.steps(target)
        }
        let end = current.isEmpty ? "/" : current
        guard stat(end, &status) == 0 else { throw SystemError("look at \(end)", number: errno) }
        return (end, status)
    }

    private func check(_ status: stat, _ directory: String, onWayTo path: String, root: uid_t) throws {
        guard status.st_uid == user || status.st_uid == 0 || status.st_uid == root else {
            throw UntrustedFileError(
                "\(directory) belongs to user \(status.st_uid), who could put anything in the place of \(path): "
                    + "give another --data-dir")
        }
        // In a directory with the sticky bit nobody replaces what is another's.
        if status.st_mode & S_ISVTX != 0 { return }
        let isOthers = status.st_mode & 0o002 != 0
        let isGroups = status.st_mode & 0o020 != 0 && status.st_gid != group && status.st_gid != 0
        guard isOthers || isGroups else { return }
        let octal = "0" + String(status.st_mode & 0o7777, radix: 8)
        throw UntrustedFileError(
            "\(directory) may be written by others (mode \(octal), group \(status.st_gid)), who could put anything in the "
                + "place of \(path): chmod \(isOthers ? "go-w" : "g-w") \(directory), or give another --data-dir")
    }

    /// The last first.
    private static func steps(_ path: String) -> [String] {
        path.split(separator: "/").map(String.init).reversed()
    }

    private static func target(of link: String) throws -> String {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &bytes, bytes.count)
        guard count >= 0 else { throw SystemError("read the link \(link)", number: errno) }
        return String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
