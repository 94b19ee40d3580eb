import System

/// What of systemd-resolved's own configuration matters to who adds a server to it (resolved.conf(5)).
struct ResolvedSettings: Equatable {
    /// Servers for every link (`DNS=`), as they are written: `192.0.2.1:5353%eth0#dns.example`.
    private(set) var servers: [String] = []
    /// Whether every server has to be asked by TLS (`DNSOverTLS=yes`).
    private(set) var wantsTLS = false

    /// - Parameter texts: of the files, in the order in which they are read; what comes later wins, or is added.
    init(_ texts: [String]) {
        for text in texts { read(text) }
    }

    private mutating func read(_ text: String) {
        var isMeant = false
        for line in text.replacing("\\\n", with: " ").split(whereSeparator: \.isNewline) {
            let sides = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
            guard let name = sides[0].first, !name.hasPrefix("#"), !name.hasPrefix(";") else { continue }
            if name.hasPrefix("[") { isMeant = name == "[Resolve]" }
            guard isMeant, sides.count == 2, sides[0].count == 1 else { continue }
            let words = sides[1]
            switch name {
            case "DNS":
                // Nothing takes back what was before.
                if words.isEmpty { servers = [] }
                for word in words where !servers.contains(word) { servers.append(word) }
            case "DNSOverTLS": wantsTLS = ["1", "yes", "y", "true", "t", "on"].contains(words.first?.lowercased())
            default: break
            }
        }
    }

    // MARK: Files

    /// The longest file that is read.
    private static let limit = 1 << 16
    /// Whatever is in an earlier one hides what has the same name in a later one.
    private static let folders = ["etc", "run", "usr/local/lib", "usr/lib"]

    /// Reads what there is; unreadable is empty.
    ///
    /// - Parameters:
    ///   - root: what stands before every path; empty on a real machine.
    ///   - path: a file that does not count.
    init(root: String, except path: String) {
        func text(_ path: String) -> String? {
            (try? FileBytes.read(path, limit: Self.limit)).map { String(decoding: $0, as: UTF8.self) }
        }
        let main = Self.folders.lazy.compactMap { text("\(root)/\($0)/systemd/resolved.conf") }.first
        var parts: [String: String] = [:]
        for folder in Self.folders.map({ "\(root)/\($0)/systemd/resolved.conf.d" }) {
            for name in FileBytes.names(in: folder)
            where name.hasSuffix(".conf") && parts[name] == nil && "\(folder)/\(name)" != path {
                parts[name] = text("\(folder)/\(name)") ?? ""
            }
        }
        self.init([main ?? ""] + parts.sorted { $0.key < $1.key }.map(\.value))
    }
}
