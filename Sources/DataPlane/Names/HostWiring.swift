import DNS
import NetworkTypes
import System

/// How this machine itself comes to ask the server. Pure: the files' texts.
package enum HostWiring: String, Sendable, CaseIterable {
    /// It does not.
    case none
    /// By a drop-in of systemd-resolved for the cluster's domain, in `/run`, which a boot empties (resolved.conf(5)).
    case systemdResolved = "systemd-resolved"
    /// By `/etc/resolv.conf` (resolv.conf(5)), for every name.
    case resolvConf = "resolv.conf"

    /// What a file of ours begins with; behind it stands whose it is.
    private static let mark = "# Written by martlet "

    /// A drop-in for systemd-resolved: names of the domain are asked of the server alone, where other servers are those
    /// of links. Servers that its configuration names are one list with ours, of which it asks the first one that
    /// answers: ours goes before them, and has them for what it does not know itself.
    static func dropIn(
        _ server: SocketAddress, _ domain: DomainName, besides settings: ResolvedSettings, owner: ProcessIdentity
    ) -> String {
        let name = domain.description.hasSuffix(".") ? String(domain.description.dropLast()) : domain.description
        return """
            \(mark)\(owner): it goes when martlet stops.
            [Resolve]
            DNS=
            DNS=\(([server.description] + settings.servers).joined(separator: " "))
            Domains=~\(name)

            """
    }

    /// What `/etc/resolv.conf` becomes. The servers of before stand behind ours, so that a machine on which martlet was
    /// killed finds its names all the same; its other lines stay.
    ///
    /// - Parameter saved: what the file as it was is called now.
    static func resolverFile(_ server: IPAddress, before: String, saved: String, owner: ProcessIdentity) -> String {
        var text =
            "\(mark)\(owner): the file as it was is \(saved), and comes back when martlet stops.\nnameserver \(server)\n"
        var others = 0
        for line in before.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard let first = words.first, !first.hasPrefix("#"), !first.hasPrefix(";") else { continue }
            if first == "nameserver" {
                // The library reads three.
                guard others < 2, words.count > 1, IPAddress(words[1]) != server else { continue }
                others += 1
            }
            text += "\(line)\n"
        }
        return text
    }

    /// Whether a file is of our writing.
    static func isOurs(_ text: String) -> Bool { text.hasPrefix(mark) }

    /// Who wrote a file; nil for one that is not of our writing, or does not say it any more.
    static func owner(of text: String) -> ProcessIdentity? {
        guard isOurs(text) else { return nil }
        return ProcessIdentity(text.dropFirst(mark.count).prefix { $0 != ":" })
    }
}
