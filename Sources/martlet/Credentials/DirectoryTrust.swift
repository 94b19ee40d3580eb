import Glibc
import System

/// Whether what lies in a data directory can be believed. It holds the keys of everything: the authority's key, an
/// administrator's token, the store. Who owns the directory, or may write into it, could have put theirs there, and who may
/// write into a directory above it could have put another in its place.
enum DirectoryTrust {
    /// Files that nobody else may read either, by the end of their names.
    private static let secret = [".key", ".token", "tokens.csv", ".kubeconfig"]
    /// The store holds every Secret; beside it lie the files that SQLite makes with its mode (`-wal`, `-shm`).
    private static let store = "martlet.db"

    /// Why a file is for its owner alone; nil when it is not.
    private enum Secrecy {
        case credential, store

        init?(_ name: String) {
            if name.hasPrefix(DirectoryTrust.store) {
                self = .store
            } else if DirectoryTrust.secret.contains(where: { name.hasSuffix($0) }) {
                self = .credential
            } else {
                return nil
            }
        }

        /// What to do once others may have read it.
        var remedy: String {
            switch self {
            case .credential: "or remove it to have a new one made if others may have read it"
            case .store: "and replace what its Secrets hold if others may have read it"
            }
        }
    }

    /// Checks the directory with every directory and link on the way to it, and what lies directly in it, `logs` included.
    static func check(_ directory: String, user: uid_t = geteuid()) throws {
        guard let resolved = try PathTrust(user: user).follow(directory) else {
            throw SystemError("look at \(directory)", number: ENOENT)
        }
        try check(resolved.status, path: directory, nil, user: user)
        var status = stat()
        for name in FileBytes.names(in: directory) {
            let path = "\(directory)/\(name)"
            // A file that has gone meanwhile needs no trust.
            guard lstat(path, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFREG, S_IFDIR:
                try check(status, path: path, Secrecy(name), user: user)
            case S_IFLNK:
                // Where nothing is, nothing is believed.
                guard let resolved = try PathTrust(user: user).follow(path) else { continue }
                // What root has put there, root could have put anywhere.
                try check(
                    resolved.status, path: resolved.path, Secrecy(name), user: resolved.status.st_uid == 0 ? 0 : user)
            // A socket is replaced by its server.
            default: continue
            }
        }
    }

    private static func check(_ status: stat, path: String, _ secrecy: Secrecy?, user: uid_t) throws {
        let mode = status.st_mode & 0o7777
        let octal = "0" + String(mode, radix: 8)
        if status.st_uid != user {
            throw UntrustedFileError(
                "\(path) belongs to user \(status.st_uid), not to the user that runs martlet (\(user)), and would be trusted "
                    + "with everything: give another --data-dir, or, if its content is yours, chown -R \(user) \(path)")
        }
        if mode & 0o022 != 0 {
            throw UntrustedFileError(
                "\(path) may be written by others (mode \(octal)), so what it holds cannot be trusted: "
                    + "check it, then chmod go-w \(path)")
        }
        if let secrecy, mode & 0o077 != 0 {
            throw UntrustedFileError(
                "\(path) may be read by others (mode \(octal)): chmod 600 \(path), \(secrecy.remedy)")
        }
    }
}
