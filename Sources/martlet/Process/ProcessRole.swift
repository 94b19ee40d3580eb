import CProcess
import DataPlane
import Glibc
import System

/// What a process of the family is for, and so what it keeps of root's privileges (capabilities(7)) once it runs.
///
/// Root without the others owns its files as before, and has no way into those of other users. `no_new_privs` goes with it:
/// no program that a process starts gets what the process itself gave up.
enum ProcessRole {
    /// Needs nothing itself; what it starts has no more than it has, and cuts that down to what it needs.
    case supervisor(leadsSockets: Bool)
    case apiServer(port: UInt16)
    case controllers
    case dataPlane(leadsSockets: Bool)

    /// Removes what data planes left, and ends.
    case cleaner

    /// The table.
    var privileges: Privileges {
        switch self {
        case .supervisor(let leadsSockets):
            ProcessRole.dataPlane(leadsSockets: leadsSockets).privileges.union([.lowPorts, .boundingSet])
        case .apiServer(let port): (1..<1024).contains(port) ? .lowPorts : []
        // They are clients: of the API server, and of what they probe.
        case .controllers: []
        // Programs whose names are in another mount namespace are found by numbers.
        case .cleaner:
            ProcessRole.dataPlane(leadsSockets: true).privileges.union(.systemAdministration)
        // Packet filters, addresses and settings of the network, in user space those that another mode left; listeners that
        // come and go; ARP and neighbour discovery. The kernel loads its modules (ip_vs, nf_tables, …) by itself, whoever
        // asks for what is in them.
        // Programs in the kernel are for the socket mode alone.
        case .dataPlane(let leadsSockets):
            Privileges([.networkAdministration, .lowPorts, .rawPackets]).union(leadsSockets ? .programs : [])
        }
    }

    /// Gives the others up, for good. Call while the process has one thread.
    ///
    /// - Throws: `SystemError` where the kernel refuses: a process that keeps what it should not must not run.
    func confine() throws {
        guard martlet_keep_capabilities(privileges.rawValue) == 0 else {
            throw SystemError("give up privileges", number: errno)
        }
    }
}

/// A command that runs as a process of the family.
protocol ConfinedCommand {
    var role: ProcessRole { get }
}
