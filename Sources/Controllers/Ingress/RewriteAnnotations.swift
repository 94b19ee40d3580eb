import KubeModel

/// ingress-nginx' annotations that make paths regular expressions, and send requests on under another path. Pure.
struct RewriteAnnotations: Hashable, Sendable {
    /// All that are read here.
    static let keys = AnnotationReader.keys(
        ["use-regex", "rewrite-target", "x-forwarded-prefix"], prefix: AnnotationReader.nginx)

    let usesPatterns: Bool
    /// nil where nothing is said.
    private(set) var rewrite: RouteRewrite?
    /// A target that cannot be had, as a sentence: requests must not go to another path than they are meant to.
    private(set) var unsupportedTarget: String?
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    let problems: [String]

    init(_ annotations: [String: String]) {
        var reader = AnnotationReader(annotations, prefix: AnnotationReader.nginx)
        usesPatterns = reader.boolean("use-regex") ?? false
        if let target = reader["rewrite-target"] {
            do {
                _ = try RewriteTemplate(target)
                rewrite = RouteRewrite(target: target)
            } catch {
                unsupportedTarget =
                    "\(AnnotationReader.nginx)rewrite-target: \(AnnotationReader.quoted(target)) \(error)"
            }
        }
        if let prefix = reader["x-forwarded-prefix"] {
            if reader["rewrite-target"] == nil {
                reader.tell(
                    "x-forwarded-prefix", "has no effect without \(AnnotationReader.nginx)rewrite-target")
            } else if prefix.contains("$") {
                reader.refuse("x-forwarded-prefix", "has a variable or a group, which are not filled in here")
            } else if prefix.utf8.count <= 1024, prefix.utf8.allSatisfy({ 0x21..<0x7F ~= $0 }) {
                rewrite?.forwardedPrefix = prefix
            } else {
                reader.refuse("x-forwarded-prefix", "is no value of a field of up to 1,024 characters without spaces")
            }
        }
        problems = reader.problems
    }
}
