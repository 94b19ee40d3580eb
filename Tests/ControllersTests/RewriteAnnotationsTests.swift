import KubeModel
import Testing
import TrafficModel

@testable import Controllers

@Suite("Annotations about regular expressions and rewrites") struct RewriteAnnotationsTests {
    private static let prefix = "nginx.ingress.kubernetes.io/"

    private static func read(_ annotations: [String: String]) -> RewriteAnnotations {
        RewriteAnnotations(Dictionary(uniqueKeysWithValues: annotations.map { (prefix + $0.key, $0.value) }))
    }

    private static func compile(
        _ annotations: [String: String], _ paths: [(String, String)], patterns: NamespacedName? = nil
    ) -> CompiledIngress {
        let rules = paths.map { (String?.some("shop.example.com"), $0.0, $0.1, "web") }
        let ingress = Sample.ingress("shop", rules) { ingress in
            ingress.metadata.annotations = Dictionary(
                uniqueKeysWithValues: annotations.map { (prefix + $0.key, $0.value) })
        }
        var compiler = IngressCompiler(
            controllerName: "martlet.dev/ingress", service: { $0 == "web" ? Sample.service() : nil },
            secretProblem: { _ in nil }, winner: { _ in nil })
        compiler.patterns = { _ in patterns }
        return compiler.compile(ingress, className: "martlet")
    }

    private static func reasons(_ compiled: CompiledIngress) -> [String] { compiled.problems.map(\.reason) }

    @Test func `they are read, and guard nothing`() {
        #expect(Self.read([:]) == RewriteAnnotations([:]) && !Self.read([:]).usesPatterns)
        let all = ["use-regex": "true", "rewrite-target": "/$1", "x-forwarded-prefix": "/shop"]
        #expect(Self.read(all).usesPatterns)
        #expect(Self.read(all).rewrite == RouteRewrite(target: "/$1", forwardedPrefix: "/shop"))
        #expect(Self.read(all).problems == [] && Self.read(all).unsupportedTarget == nil)
        let keys = Dictionary(uniqueKeysWithValues: all.map { (Self.prefix + $0.key, $0.value) })
        #expect(IngressAnnotations(keys).guards == [] && IngressAnnotations(keys).ignored == [])
    }

    @Test(arguments: [
        (["use-regex": "yes"], "use-regex"), (["x-forwarded-prefix": "/a"], "x-forwarded-prefix"),
        (["rewrite-target": "/", "x-forwarded-prefix": "/a\r\nEvil: 1"], "x-forwarded-prefix"),
    ])
    func `what cannot be is told of by its annotation`(annotations: [String: String], name: String) {
        let read = Self.read(annotations)
        #expect(read.problems.count == 1)
        #expect(read.problems.first?.hasPrefix("\(Self.prefix)\(name): ") == true)
        #expect(read.rewrite?.forwardedPrefix == nil)
    }

    @Test func `a table says that its paths are regular expressions`() {
        let regex = Self.compile(["use-regex": "true"], [("/a/[0-9]+", "ImplementationSpecific")])
        #expect(regex.table.spec?.pathPatterns == true && regex.table.spec?.rewrite == nil)
        #expect(regex.problems == [])
        let rewriting = Self.compile(["rewrite-target": "/$1"], [("/a/(.*)", "Prefix")])
        #expect(rewriting.table.spec?.pathPatterns == nil)
        #expect(rewriting.table.spec?.rewrite == RouteRewrite(target: "/$1"))
        #expect(Self.reasons(rewriting) == ["PathsArePatterns"])
        #expect(rewriting.problems.first?.message.contains("pathType Prefix of host \"shop.example.com\"") == true)
        // As in ingress-nginx, a target that is the path changes nothing.
        let same = Self.compile(["rewrite-target": "/"], [("/", "Prefix")])
        #expect(same.problems == [])
        #expect(same.table.spec.map { spec in (spec.rules ?? []).contains { spec.hasPatterns($0) } } == false)
    }

    @Test func `a path that is no regular expression is named, and alone loses its backend`() throws {
        let compiled = Self.compile(
            ["use-regex": "true"],
            [
                ("/good", "ImplementationSpecific"), ("/bad(", "ImplementationSpecific"),
                ("/(?!x)", "ImplementationSpecific"),
            ])
        #expect(Self.reasons(compiled) == ["InvalidPath", "InvalidPath"])
        #expect(compiled.problems[0].message.hasPrefix("shop.example.com/bad( is no regular expression of RE2"))
        #expect(compiled.problems[1].message.contains("has a look ahead"))
        #expect(compiled.problems[1].message.hasSuffix("so that what no other path takes answers 503"))
        #expect(compiled.problems.allSatisfy { $0.concern == .acceptance })
        let paths = (compiled.table.spec?.rules ?? []).flatMap { $0.paths ?? [] }
        #expect(paths.map { $0.backend == nil } == [false, true, true])
        // Without regular expressions they are paths like others.
        #expect(Self.compile([:], [("/bad(", "ImplementationSpecific")]).problems == [])
    }

    @Test func `a prefix with a group is told, and not sent`() {
        let compiled = Self.compile(
            ["rewrite-target": "/$1", "x-forwarded-prefix": "/$1"], [("/a/(.*)", "ImplementationSpecific")])
        #expect(compiled.problems.contains { $0.message.contains("x-forwarded-prefix: \"/$1\" has a variable") })
        #expect(compiled.table.spec?.rewrite?.forwardedPrefix == nil)
    }

    @Test func `what another Ingress makes of the host is told`() {
        let other = NamespacedName(namespace: "shop", name: "other")
        let compiled = Self.compile([:], [("/good", "Prefix"), ("/bad(", "Prefix")], patterns: other)
        #expect(Set(Self.reasons(compiled)) == ["PathsArePatterns", "InvalidPath"])
        #expect(
            compiled.problems.contains { $0.message.contains("Ingress shop/other has use-regex or rewrite-target") })
        #expect(compiled.table.spec?.pathPatterns == nil)
    }

    @Test func `an alternative that begins anywhere is told`() {
        let compiled = Self.compile(["use-regex": "true"], [("/a|/b", "ImplementationSpecific")])
        #expect(Self.reasons(compiled) == ["PathsArePatterns"])
    }

    @Test(arguments: ["https://other.example/$1", "/$host/$1", "/a b", "/a;b"])
    func `a target that cannot be had closes the Ingress`(target: String) {
        let compiled = Self.compile(["rewrite-target": target], [("/a/(.*)", "Prefix")])
        #expect(compiled.problems.contains { $0.reason == "InvalidAnnotation" && $0.concern == .acceptance })
        let paths = (compiled.table.spec?.rules ?? []).flatMap { $0.paths ?? [] }
        #expect(paths.allSatisfy { $0.backend == nil })
    }
}
