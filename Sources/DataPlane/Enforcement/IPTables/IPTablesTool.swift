package import NetworkTypes
import System

/// The programs that load and list iptables' rules of one address family.
package struct IPTablesTool: Sendable {
    /// Why something was not done, in words for people.
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
        /// The line of the script that is to blame, counted from 1, where the program says so.
        package var line: Int?

        init(_ description: String, line: Int? = nil) {
            self.description = description
            self.line = line
        }
    }

    package let family: IPFamily
    /// Whether the kernel's nftables keeps its tables.
    let isNFT: Bool
    private let restore: String
    private let save: String

    /// Finds the programs and looks whether they work here: whether this process may use them, and the kernel has what
    /// they want.
    package init(_ family: IPFamily) throws(Failure) {
        self.family = family
        let name = family == .v4 ? "iptables" : "ip6tables"
        guard let restore = CommandRun.find("\(name)-restore"), let save = CommandRun.find("\(name)-save") else {
            throw Failure("\(name)-restore is not installed (on Debian: apt install iptables)")
        }
        self.restore = restore
        self.save = save
        var version: [UInt8] = []
        // A program that does not tell is taken for the older one.
        _ = try? CommandRun(restore, ["--version"]).run(input: []) { version += $0 }
        isNFT = String(decoding: version, as: UTF8.self).contains("nf_tables")
        for table in IPTablesTable.allCases {
            try run(CommandRun(save, ["-t", table.rawValue]), failing: "\(name)-save -t \(table.rawValue)")
        }
    }

    /// Loads a script; it takes effect table by table, each as a whole or not at all.
    func load(_ script: RestoreScript) throws(Failure) {
        guard !script.isEmpty else { return }
        // Other programs hold the lock for moments only. What stands still is not waited for; what is large takes its time.
        let patience = max(.seconds(120), .milliseconds(2) * script.lineCount)
        let command = CommandRun(restore, ["-w", "10", "--noflush"], timeout: patience)
        try run(command, script.bytes, failing: "\(family == .v4 ? "iptables" : "ip6tables")-restore")
    }

    func list() throws(Failure) -> IPTablesListing {
        var listing = IPTablesListing()
        for table in IPTablesTable.allCases {
            let command = CommandRun(save, ["-t", table.rawValue], timeout: .seconds(120))
            try run(command, failing: "\(family == .v4 ? "iptables" : "ip6tables")-save") { listing.take($0) }
        }
        return listing
    }

    private func run(
        _ command: CommandRun, _ input: [UInt8] = [], failing name: String,
        output: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws(Failure) {
        let ending: CommandRun.Ending
        do {
            ending = try command.run(input: input, output: output)
        } catch {
            throw Failure(error.description)
        }
        guard !ending.isTimedOut else { throw Failure("\(name) did not end within \(command.timeout)") }
        guard ending.isSuccess else {
            let words = ending.complaint.split(whereSeparator: \.isNewline).joined(separator: "; ")
            throw Failure("\(name): \(words.prefix(500))", line: RestoreScript.line(in: ending.complaint))
        }
    }
}
