import KubeModel
import Testing

@testable import Controllers

@Suite("Annotations about hosts as a whole") struct HostAnnotationsTests {
    private static let nginx = "nginx.ingress.kubernetes.io/"
    private static let martlet = "traffic.martlet.dev/"

    private static func compile(
        _ annotations: [String: String], hosts: [String?] = ["a.com"],
        rivals: IngressCompiler.HostRivals = IngressCompiler.HostRivals()
    ) -> CompiledIngress {
        let rules = hosts.map { ($0, "/", "Prefix", "web") }
        let ingress = Sample.ingress("shop", rules) { $0.metadata.annotations = annotations }
        return IngressCompiler(
            controllerName: "martlet.dev/ingress", service: { Sample.service($0) }, secretProblem: { _ in nil },
            winner: { _ in nil }, rivals: rivals
        ).compile(ingress, className: "martlet")
    }

    @Test func `they are read as ingress-nginx does, and ours come first`() {
        #expect(HostAnnotations([:]).settings == nil)
        let read = HostAnnotations([
            Self.nginx + "app-root": "/nginx", Self.martlet + "app-root": "/ours",
            Self.nginx + "server-alias": "b.com, *.C.com ,b.com,", Self.nginx + "from-to-www-redirect": "true",
        ])
        #expect(read.problems == [])
        #expect(
            read.settings
                == RouteHostSettings(aliases: ["*.c.com", "b.com"], appRoot: "/ours", redirectsWWW: true))
        #expect(HostAnnotations([Self.nginx + "from-to-www-redirect": "false"]).settings == nil)
    }

    @Test func `what is not as it should be is told and has no effect`() {
        let read = HostAnnotations([
            Self.nginx + "app-root": "https://a.com/", Self.nginx + "server-alias": "~^www\\d+, 10.0.0.1, ok.com, a_b",
            Self.nginx + "from-to-www-redirect": "on",
        ])
        #expect(read.settings == RouteHostSettings(aliases: ["ok.com"]))
        let aliases = Self.nginx + "server-alias: "
        #expect(
            read.problems == [
                "\(Self.nginx)app-root: \"https://a.com/\" is no path that begins with a slash, without variables, so that it has no effect",
                aliases + "\"10.0.0.1\" is no host name, with \"*.\" before it or not, so that it has no effect",
                aliases + "\"a_b\" is no host name, with \"*.\" before it or not, so that it has no effect",
                aliases + "\"~^www\\d+\" is a regular expression, which names here are not, so that it has no effect",
                "\(Self.nginx)from-to-www-redirect: \"on\" is neither true nor false, so that it has no effect",
            ])
    }

    @Test func `they are in the table, and no Event is needed where they have their effect`() {
        let compiled = Self.compile([Self.nginx + "server-alias": "b.com", Self.nginx + "app-root": "/x"])
        #expect(compiled.problems == [])
        #expect(compiled.table.spec?.hostSettings == RouteHostSettings(aliases: ["b.com"], appRoot: "/x"))
    }

    @Test func `names that others have are told of`() {
        let other = NamespacedName(namespace: "n", name: "other")
        let rivals = IngressCompiler.HostRivals(
            host: { ["b.com", "www.a.com"].contains($0) ? other : nil }, alias: { $0 == "c.com" ? other : nil },
            appRoot: { $0 == "a.com" && $1 == "/x" ? other : nil })
        let compiled = Self.compile(
            [
                Self.nginx + "server-alias": "a.com,b.com,c.com,d.com,e.com", Self.nginx + "app-root": "/x",
                Self.martlet + "from-to-www-redirect": "true",
            ], hosts: ["a.com", "e.com"], rivals: rivals)
        #expect(
            compiled.problems.map { "\($0.reason) \($0.message)" } == [
                "Conflict \(Self.nginx)app-root: the older Ingress n/other has another one for a.com",
                "Conflict \(Self.martlet)from-to-www-redirect: www.a.com is a host of Ingress n/other, and is not sent to a.com",
                "InvalidAnnotation \(Self.nginx)server-alias: a name stands for one host, here for the first, a.com",
                "Conflict \(Self.nginx)server-alias: b.com is a host of Ingress n/other",
                "Conflict \(Self.nginx)server-alias: c.com is another name of a host of the older Ingress n/other",
                "Conflict \(Self.nginx)server-alias: e.com is a host of this Ingress itself",
            ])
        #expect(compiled.problems.allSatisfy { $0.concern == .none })
    }

    @Test func `hosts that have no other name, and canaries, are told of`() {
        let compiled = Self.compile(
            [Self.nginx + "server-alias": "b.com", Self.nginx + "from-to-www-redirect": "true"], hosts: [nil])
        #expect(
            compiled.problems.map(\.message) == [
                "\(Self.nginx)from-to-www-redirect: has no effect on every host, which is no whole name",
                "\(Self.nginx)server-alias: has no effect without a rule that names a host",
            ])
        let canary = Self.compile([Self.nginx + "canary": "true", Self.nginx + "app-root": "/x"])
        #expect(canary.table.spec?.hostSettings == nil)
        #expect(canary.problems.map(\.message).contains("\(Self.nginx)app-root: has no effect on a canary"))
    }
}
