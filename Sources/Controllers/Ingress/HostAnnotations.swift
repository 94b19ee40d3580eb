import KubeModel

/// ingress-nginx' annotations about hosts as a whole, `app-root`, `server-alias` and `from-to-www-redirect`, and ours of the same
/// names, which come first. Pure.
struct HostAnnotations: Hashable, Sendable {
    /// All that are read here.
    static let keys = AnnotationReader.twins(["app-root", "server-alias", "from-to-www-redirect"])

    /// nil where nothing is said.
    private(set) var settings: RouteHostSettings?
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    let problems: [String]
    let appRootKey: String
    let aliasKey: String
    let redirectKey: String

    init(_ annotations: [String: String]) {
        var reader = AnnotationReader(twins: annotations)
        appRootKey = reader.key("app-root")
        aliasKey = reader.key("server-alias")
        redirectKey = reader.key("from-to-www-redirect")
        var settings = RouteHostSettings()
        if let path = reader["app-root"] {
            if let problem = RouteHostSettings.problem(ofAppRoot: path) {
                reader.refuse("app-root", problem)
            } else {
                settings.appRoot = path
            }
        }
        settings.aliases = Self.aliases(&reader)
        if reader.boolean("from-to-www-redirect") == true { settings.redirectsWWW = true }
        problems = reader.problems
        if !settings.isEmpty { self.settings = settings }
    }

    /// Names between commas, each once, in order.
    private static func aliases(_ reader: inout AnnotationReader) -> [String]? {
        guard let text = reader["server-alias"] else { return nil }
        let names = Set(AnnotationReader.entries(text).map { $0.lowercased() })
        for name in names.sorted() where !isHost(name) {
            let reason =
                name.hasPrefix("~")
                ? "is a regular expression, which names here are not" : "is no host name, with \"*.\" before it or not"
            reader.tell("server-alias", "\(AnnotationReader.quoted(name)) \(reason), so that it has no effect")
        }
        let good = names.filter(isHost).sorted()
        if good.count > RouteHostSettings.maxAliases {
            reader.tell(
                "server-alias", "has more than \(RouteHostSettings.maxAliases) names, of which the first by text count")
        }
        return good.isEmpty ? nil : Array(good.prefix(RouteHostSettings.maxAliases))
    }

    private static func isHost(_ name: String) -> Bool {
        let isAddress = name.wholeMatch(of: /[0-9.]+/) != nil
        let rest = name.hasPrefix("*.") ? String(name.dropFirst(2)) : name
        return !isAddress && name.utf8.count <= 253 && Validation.dns1123Subdomain(rest).isEmpty
    }
}
