/// What holds for the hosts of a RouteTable as a whole, whatever the path, and whichever table a path of them is from. Of two
/// tables that say different things of one host, the older one counts.
public struct RouteHostSettings: Codable, Hashable, Sendable {
    /// Other names under which the hosts are served, `*.` before one for any single label. A name that is some table's host
    /// stays that.
    public var aliases: [String]?
    /// The path to which requests for `/` are sent, with 302.
    public var appRoot: String?
    /// Requests for `www.` before the host's name, or for its name without that, are sent to the host with 308, if no table has
    /// that host.
    public var redirectsWWW: Bool?

    /// How many names there may be.
    public static let maxAliases = 256

    public init(aliases: [String]? = nil, appRoot: String? = nil, redirectsWWW: Bool? = nil) {
        self.aliases = aliases
        self.appRoot = appRoot
        self.redirectsWWW = redirectsWWW
    }

    /// Nothing is said.
    public var isEmpty: Bool { self == RouteHostSettings() }

    /// What is wrong with a path for ``appRoot``, in words that follow it; nil for a good one. Up to 1,024 bytes that may stand in
    /// a URL, which begin with a slash; not the slash alone, which would be sent to itself.
    public static func problem(ofAppRoot path: String) -> String? {
        if path.utf8.count > 1_024 { return "has more than 1024 characters" }
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ 0x21..<0x7F ~= $0 && !"\"<>\\^`{|}$".utf8.contains($0) })
        else { return "is no path that begins with a slash, without variables" }
        return isRoot(path.prefix { $0 != "?" && $0 != "#" }) ? "is the root itself" : nil
    }

    /// Whether a path means the root, however it is written: clients would be sent round in circles.
    private static func isRoot(_ path: Substring) -> Bool {
        let plain = path.lowercased().replacing("%2f", with: "/").replacing("%2e", with: ".")
        var depth = 0
        for segment in plain.split(separator: "/") where segment != "." {
            depth = segment == ".." ? max(0, depth - 1) : depth + 1
        }
        return depth == 0
    }

    /// The name whose requests go to a host because of ``redirectsWWW``; nil for hosts that are no whole name.
    public static func counterpart(of host: String) -> String? {
        if host.isEmpty || host.hasPrefix("*") { return nil }
        if !host.hasPrefix("www.") { return "www." + host }
        let rest = String(host.dropFirst(4))
        return rest.isEmpty ? nil : rest
    }
}
