import DNS
import Glibc
import Logging
import NetworkTypes
import Synchronization
import System

/// Makes this machine ask the server, and takes that back: by files that say whose they are, so that whoever starts next
/// finds what a killed process left.
final class HostResolver: Sendable {
    /// The longest `/etc/resolv.conf` that is rewritten.
    private static let limit = 1 << 16

    private let wiring: HostWiring
    /// What stands before every path; empty on a real machine.
    private let root: String
    /// Whose files these are.
    private let owner: ProcessIdentity
    private let logger: Logger
    /// Whether ``unwire()`` was called: what comes late must not be left behind. Held for as long as files are changed.
    private let isOver = Mutex(false)

    init(_ wiring: HostWiring, root: String, owner: ProcessIdentity = .current, logger: Logger) {
        self.wiring = wiring
        self.root = root
        self.owner = owner
        self.logger = logger
    }

    private var resolverFile: String { "\(root)/etc/resolv.conf" }
    private var savedFile: String { "\(root)/etc/resolv.conf.before-martlet" }
    private var lockFile: String { "\(root)/run/martlet-resolv.conf.lock" }
    private var dropInDirectory: String { "\(root)/run/systemd/resolved.conf.d" }
    /// Read after all others, which are taken over into it.
    private var dropIn: String { "\(dropInDirectory)/zz-martlet.conf" }
    private var uplinks: String { "\(root)/run/systemd/resolve/resolv.conf" }

    /// Where the servers that this machine has besides ours are listed.
    var upstreamFile: String {
        switch wiring {
        case .none: resolverFile
        // What `/etc/resolv.conf` names would ask us again.
        case .systemdResolved: exists(uplinks) ? uplinks : resolverFile
        case .resolvConf: exists(savedFile) ? savedFile : resolverFile
        }
    }

    /// Takes back what a process left that is no more; nothing of one that lives.
    func heal() { isOver.withLock { _ in takeBack { !$0.isAlive } } }

    /// Takes back what ``wire(_:_:)`` did, which does nothing from now on.
    func unwire() {
        isOver.withLock { isOver in
            isOver = true
            takeBack { $0 == owner }
        }
    }

    private func takeBack(_ isMeant: (ProcessIdentity) -> Bool) {
        if let writer = HostWiring.owner(of: text(dropIn)), isMeant(writer) {
            remove(dropIn)
            reloadResolved()
        }
        guard exists(savedFile) else { return }
        // Of a process that lives: no concern of this one, which may not even be allowed to look closer.
        if let writer = HostWiring.owner(of: text(resolverFile)), !isMeant(writer) { return }
        do throws(SystemError) {
            let lock = try HostWiringLock(path: lockFile)
            // Another process may have been at it.
            if exists(savedFile) { try takeBackFile(isMeant) }
            _ = consume lock
        } catch {
            logger.warning("\(savedFile) stays: \(error)")
        }
    }

    /// What is kept is the only copy: it goes only where the file can be read and is somebody else's.
    private func takeBackFile(_ isMeant: (ProcessIdentity) -> Bool) throws(SystemError) {
        var status = stat()
        guard stat(resolverFile, &status) == 0 else { return move(savedFile, to: resolverFile) }
        let text = String(decoding: try FileBytes.read(resolverFile, limit: 2 * Self.limit), as: UTF8.self)
        if !HostWiring.isOurs(text) {
            // Somebody has written another one since.
            remove(savedFile)
        } else if HostWiring.owner(of: text).map(isMeant) ?? true {
            move(savedFile, to: resolverFile)
        }
    }

    /// - Parameter server: where this machine reaches ours.
    /// - Throws: `DataPlaneError` with what cannot be done; then nothing is different.
    func wire(_ server: SocketAddress, _ domain: DomainName) throws(DataPlaneError) {
        let problem: DataPlaneError? = isOver.withLock { isOver in
            guard !isOver else { return nil }
            do throws(DataPlaneError) {
                try rewire(server, domain)
                return nil
            } catch {
                return error
            }
        }
        if let problem { throw problem }
    }

    private func rewire(_ server: SocketAddress, _ domain: DomainName) throws(DataPlaneError) {
        switch wiring {
        case .none: return
        case .systemdResolved:
            try claim(dropIn)
            let settings = ResolvedSettings(root: root, except: dropIn)
            guard !settings.wantsTLS else {
                throw DataPlaneError(
                    message: "systemd-resolved: DNSOverTLS=yes has it ask every server by TLS, which this one does not"
                        + " answer; set it to opportunistic, or ask for --dns-host-resolver resolv.conf")
            }
            do throws(SystemError) {
                for directory in ["\(root)/run/systemd", dropInDirectory] where mkdir(directory, 0o755) != 0 {
                    guard errno == EEXIST else { throw SystemError("make \(directory)", number: errno) }
                }
                try FileBytes.replace(
                    dropIn,
                    with: Array(HostWiring.dropIn(server, domain, besides: settings, owner: owner).utf8), mode: 0o644)
            } catch {
                throw DataPlaneError(message: "systemd-resolved: \(error)")
            }
            reloadResolved()
        case .resolvConf:
            try claim(resolverFile)
            do throws(SystemError) {
                let lock = try HostWiringLock(path: lockFile)
                try rewriteResolverFile(server.ip)
                _ = consume lock
            } catch {
                throw DataPlaneError(message: "\(resolverFile) is not rewritten: \(error)")
            }
        }
        logger.info("this machine asks \(server) for names", metadata: ["by": "\(wiring.rawValue)"])
    }

    private func rewriteResolverFile(_ server: IPAddress) throws(SystemError) {
        let before = String(decoding: try FileBytes.read(resolverFile, limit: Self.limit), as: UTF8.self)
        guard !HostWiring.isOurs(before) else {
            throw SystemError("rewrite what another martlet has written", number: EBUSY)
        }
        // Of one that was killed before it had rewritten anything.
        if exists(savedFile) { remove(savedFile) }
        try save()
        let wanted = HostWiring.resolverFile(server, before: before, saved: savedFile, owner: owner)
        do throws(SystemError) {
            try FileBytes.replace(resolverFile, with: Array(wanted.utf8), mode: 0o644)
        } catch {
            remove(savedFile)
            throw error
        }
    }

    /// - Throws: where a file is of another process that lives.
    private func claim(_ path: String) throws(DataPlaneError) {
        guard let other = HostWiring.owner(of: text(path)) else { return }
        throw DataPlaneError(message: "\(path) is of another martlet, process \(other)")
    }

    /// Keeps the file, or the link that it is, under another name; the file itself stays where it is meanwhile.
    private func save() throws(SystemError) {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink(resolverFile, &target, target.count - 1)
        let isKept = length >= 0 ? symlink(target, savedFile) == 0 : link(resolverFile, savedFile) == 0
        guard isKept else { throw SystemError("keep \(resolverFile)", number: errno) }
    }

    private func reloadResolved() {
        let program = root.isEmpty ? CommandRun.find("systemctl") : "\(root)/usr/bin/systemctl"
        guard let program else { return logger.warning("there is no systemctl: systemd-resolved is not told") }
        do throws(SystemError) {
            let ending = try CommandRun(program, ["try-reload-or-restart", "systemd-resolved.service"]).run()
            if !ending.isSuccess { logger.warning("systemd-resolved is not told: \(ending.complaint)") }
        } catch {
            logger.warning("systemd-resolved is not told: \(error)")
        }
    }

    // MARK: Files

    /// The file or a link of that name, wherever it leads.
    private func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    private func text(_ path: String) -> String {
        // Unreadable is empty.
        String(decoding: (try? FileBytes.read(path, limit: Self.limit)) ?? [], as: UTF8.self)
    }

    private func remove(_ path: String) {
        if unlink(path) != 0 { logger.warning("\(SystemError("remove \(path)", number: errno))") }
    }

    private func move(_ path: String, to other: String) {
        if rename(path, other) != 0 { logger.warning("\(SystemError("write \(other)", number: errno))") }
    }
}
