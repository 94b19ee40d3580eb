import Glibc
import System

/// Everything that one Martlet writes lies below one directory, so that several run side by side.
struct DataDirectory: Sendable {
    let path: String

    /// Makes the directory (mode 0700) and its parts when they are missing. Files that this process makes from now on are
    /// its user's alone.
    ///
    /// - Throws: `SystemError`; ``UntrustedFileError`` when the directory or a file in it is open to others, who could
    ///   have put there what is trusted: the message says what and how to mend it.
    init(_ path: String) throws {
        umask(0o077)
        var absolute = path
        if !path.hasPrefix("/") {
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            guard getcwd(&buffer, buffer.count) != nil else {
                throw SystemError("find the current directory", number: errno)
            }
            let current = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            absolute = String(decoding: current, as: UTF8.self) + "/" + path
        }
        while absolute.count > 1 && absolute.hasSuffix("/") { absolute.removeLast() }
        self.path = absolute
        try Self.make(absolute)
        // First: in a directory of somebody else's nothing is made, and nothing of theirs is passed on as a failure of ours.
        try DirectoryTrust.check(absolute)
        try Self.make(logs)
        try DirectoryTrust.check(logs)
        FileBytes.removeLeftovers(in: absolute)
    }

    var store: String { "\(path)/martlet.db" }
    var unixSocket: String { "\(path)/api.sock" }
    var logs: String { "\(path)/logs" }
    var adminKubeconfig: String { "\(path)/admin.kubeconfig" }
    /// For the processes on this machine: over the unix socket, without TLS.
    var localKubeconfig: String { "\(path)/local.kubeconfig" }
    var adminToken: String { "\(path)/admin.token" }
    var caCertificate: String { "\(path)/ca.crt" }
    /// The authorities by which clients verify the serving certificate.
    var servingAuthorities: String { "\(path)/serving-ca.crt" }
    /// What a machine that joined has: its kubeconfig, certificate and key, and the authority of the server.
    var nodeKubeconfig: String { "\(path)/node.kubeconfig" }
    var nodeCertificate: String { "\(path)/node.crt" }
    var nodeKey: String { "\(path)/node.key" }
    var nodeAuthority: String { "\(path)/node-ca.crt" }
    var caKey: String { "\(path)/ca.key" }
    var supervisorLock: String { "\(path)/up.lock" }
    /// The last good certificates of Secrets that turned bad, with their keys.
    var certificates: String { "\(path)/certificates" }
    /// A file in the directory.
    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// `/var/lib/martlet` for root, else `$XDG_DATA_HOME/martlet` or `~/.local/share/martlet`.
    static var standardPath: String {
        if geteuid() == 0 { return "/var/lib/martlet" }
        if let base = getenv("XDG_DATA_HOME").map({ String(cString: $0) }), base.hasPrefix("/") {
            return base + "/martlet"
        }
        let home = getenv("HOME").map { String(cString: $0) } ?? "."
        return home + "/.local/share/martlet"
    }

    private static func make(_ path: String) throws(SystemError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw SystemError("use as a directory \(path)", number: errno)
            }
            return
        }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw SystemError("make the directory \(path)", number: errno)
        }
        try make(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 else { throw SystemError("make the directory \(path)", number: errno) }
    }
}
