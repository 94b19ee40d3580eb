import KubeClient
import KubeModel
import Testing

@Suite("A kubeconfig says where the server is and who asks") struct KubeconfigTests {
    private let text = """
        apiVersion: v1
        kind: Config
        current-context: local
        clusters:
        - name: local
          cluster:
            server: https://127.0.0.1:6443
            certificate-authority-data: Q0E=
        - name: socket
          cluster: {server: "unix:///run/martlet/api.sock"}
        - name: plain
          cluster: {server: "http://[::1]:8080/", insecure-skip-tls-verify: true, tls-server-name: api}
        users:
        - name: admin
          user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}
        - name: robot
          user: {token: secret}
        - name: plugin
          user: {exec: {command: login}}
        contexts:
        - name: local
          context: {cluster: local, user: admin}
        - name: socket
          context: {cluster: socket, namespace: shop}
        - name: plain
          context: {cluster: plain, user: robot}
        - name: plugin
          context: {cluster: plain, user: plugin}
        - name: broken
          context: {cluster: nowhere}
        """

    private func load(_ context: String? = nil) throws -> ClientConfiguration {
        try Kubeconfig(parsing: Array(text.utf8)).configuration(context: context)
    }

    @Test func `the current context is the default`() throws {
        let configuration = try load()
        #expect(configuration.server == .https(host: "127.0.0.1", port: 6443))
        #expect(configuration.certificateAuthority == Array("CA".utf8))
        #expect(configuration.clientCertificate == Array("CERT".utf8))
        #expect(configuration.clientKey == Array("KEY".utf8))
        #expect(configuration.namespace == "default")
    }

    @Test func `other contexts are chosen by name`() throws {
        let socket = try load("socket")
        #expect(socket.server == .unix(path: "/run/martlet/api.sock"))
        #expect(socket.namespace == "shop")
        let plain = try load("plain")
        #expect(plain.server == .http(host: "::1", port: 8080))
        #expect(plain.token == "secret")
        #expect(plain.skipsServerVerification)
        #expect(plain.tlsServerName == "api")
    }

    @Test(arguments: ["broken", "plugin", "nothing"])
    func `what cannot be used is an error`(context: String) {
        let error = #expect(throws: ClientError.self) { try load(context) }
        #expect(error?.code == .configuration)
    }

    @Test func `a missing file is named`() {
        let error = #expect(throws: ClientError.self) { try Kubeconfig(contentsOf: "/nonexistent/kubeconfig") }
        #expect(error?.message.contains("/nonexistent/kubeconfig") == true)
    }

    @Test(
        arguments: [
            ("https://example.com", ClientConfiguration.Server.https(host: "example.com", port: 443)),
            ("http://example.com", .http(host: "example.com", port: 80)),
            ("https://[fd00::1]", .https(host: "fd00::1", port: 443)),
            ("example.com:6443", .https(host: "example.com", port: 6443)),
        ])
    func serversAreReadFromURLs(url: String, expected: ClientConfiguration.Server) throws {
        #expect(try ClientConfiguration.Server(url: url) == expected)
    }

    @Test(
        arguments: [
            "ftp://a", "https://", "https://a:0", "https://a:99999", "https://a/path", "unix://relative",
            "https://u@h", "https://[::1]x",
        ])
    func otherServersAreRefused(url: String) {
        #expect(throws: ClientError.self) { try ClientConfiguration.Server(url: url) }
    }
}
