import Testing

@testable import APIServer

@Suite("What a path asks for") struct RequestInfoTests {
    @Test(arguments: [
        ("/api/v1/namespaces/x/services/web/status", "|v1|services|x|web|status"),
        ("/api/v1/namespaces", "|v1|namespaces|||"),
        ("/api/v1/namespaces/x", "|v1|namespaces||x|"),
        ("/api/v1/namespaces/x/status", "|v1|namespaces||x|status"),
        ("/api/v1/namespaces/x/finalize", "|v1|namespaces||x|finalize"),
        ("/api/v1/namespaces/x/pods", "|v1|pods|x||"),
        ("/apis/networking.k8s.io/v1/ingresses", "networking.k8s.io|v1|ingresses|||"),
        ("/apis/a.b/v1/namespaces/n/things/t%2Fu/scale/x", "a.b|v1|things|n|t/u|scale/x"),
        ("/api/v1/watch/namespaces/x/services", "watch:|v1|services|x||"),
        ("/api/v1/nodes/", "|v1|nodes|||"),
    ])
    func pathsNameResources(_ path: String, _ expected: String) {
        guard case .resource(let found) = RequestInfo(path: path[...]).target else {
            Issue.record("\(path) names no resource")
            return
        }
        let text = [
            found.group, found.version, found.plural, found.namespace, found.name, found.subresource,
        ].joined(separator: "|")
        #expect((found.isWatchPath ? "watch:" : "") + text == expected)
    }

    @Test(arguments: ["/", "/api", "/api/v1", "/apis", "/apis/a.b", "/apis/a.b/v1", "/version", "/openapi/v3/api/v1"])
    func otherPathsDoNot(_ path: String) {
        #expect(RequestInfo(path: path[...]).target == .nonResource)
    }
}
