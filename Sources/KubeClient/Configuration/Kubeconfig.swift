import KubeModel

/// A kubeconfig file, as kubectl reads it: clusters, users and contexts by name.
///
/// Understood are the server (`https`, `http` and, beyond Kubernetes, `unix:///path`), certificate authority, client
/// certificate and key, each as a file or inline, token and token file, TLS server name and
/// `insecure-skip-tls-verify`. A user that needs a plugin (`exec`, `auth-provider`) or a password is refused.
public struct Kubeconfig: Sendable {
    private let document: JSONValue
    /// Relative file names count from here.
    private let directory: String
    private let origin: String

    /// Reads a file.
    public init(contentsOf path: String) throws(ClientError) {
        let bytes = try ClientFile.read(path)
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try self.init(parsing: bytes, directory: directory.isEmpty ? "/" : directory, origin: path)
    }

    /// Reads YAML or JSON.
    ///
    /// - Parameters:
    ///   - directory: where relative file names count from.
    ///   - origin: names the source in errors.
    public init(parsing bytes: [UInt8], directory: String = ".", origin: String = "kubeconfig") throws(ClientError) {
        do {
            document = try YAMLDocument.parse(bytes)
        } catch {
            throw ClientError(.configuration, "\(origin) is not YAML", cause: error)
        }
        self.directory = directory
        self.origin = origin
    }

    /// The names of the contexts, in file order.
    public var contextNames: [String] { (document["contexts"]?.array ?? []).compactMap { $0["name"]?.string } }

    public var currentContext: String? { document["current-context"]?.string }

    /// The configuration that a context stands for, the current one by default. Files that it names are read now.
    public func configuration(context name: String? = nil) throws(ClientError) -> ClientConfiguration {
        guard let contextName = name ?? currentContext, !contextName.isEmpty else {
            throw ClientError(.configuration, "\(origin) has no current-context")
        }
        let context = try entry(contextName, in: "contexts", under: "context")
        guard let clusterName = context["cluster"]?.string else {
            throw ClientError(.configuration, "\(origin): context \"\(contextName)\" names no cluster")
        }
        let cluster = try entry(clusterName, in: "clusters", under: "cluster")
        guard let url = cluster["server"]?.string else {
            throw ClientError(.configuration, "\(origin): cluster \"\(clusterName)\" has no server")
        }
        var result = ClientConfiguration(server: try ClientConfiguration.Server(url: url))
        result.certificateAuthority = try material("certificate-authority", of: cluster)
        result.tlsServerName = cluster["tls-server-name"]?.string
        result.skipsServerVerification = cluster["insecure-skip-tls-verify"]?.bool ?? false
        if let namespace = context["namespace"]?.string, !namespace.isEmpty { result.namespace = namespace }
        if let userName = context["user"]?.string, !userName.isEmpty {
            let user = try entry(userName, in: "users", under: "user")
            for unsupported in ["exec", "auth-provider", "username"] where user[unsupported] != nil {
                throw ClientError(
                    .configuration, "\(origin): user \"\(userName)\" needs \"\(unsupported)\", which is not supported")
            }
            result.clientCertificate = try material("client-certificate", of: user)
            result.clientKey = try material("client-key", of: user)
            if let certificate = file("client-certificate", of: user), let key = file("client-key", of: user) {
                result.clientCertificateFile = certificate
                result.clientKeyFile = key
            }
            result.token = user["token"]?.string
            result.tokenFile = user["tokenFile"]?.string.map(absolute)
        }
        return result
    }

    private func entry(_ name: String, in list: String, under key: String) throws(ClientError) -> JSONValue {
        for item in document[list]?.array ?? [] where item["name"]?.string == name {
            return item[key] ?? .object(JSONObject())
        }
        throw ClientError(.configuration, "\(origin): there is no \(key) \"\(name)\"")
    }

    private func material(_ key: String, of entry: JSONValue) throws(ClientError) -> [UInt8]? {
        if let inline = entry[key + "-data"]?.string, !inline.isEmpty {
            guard let bytes = Base64.decode(inline) else {
                throw ClientError(.configuration, "\(origin): \(key)-data is not base64")
            }
            return bytes
        }
        guard let path = entry[key]?.string, !path.isEmpty else { return nil }
        return try ClientFile.read(absolute(path))
    }

    /// The file that material is read from; nil for what is inline or missing.
    private func file(_ key: String, of entry: JSONValue) -> String? {
        guard (entry[key + "-data"]?.string ?? "").isEmpty, let path = entry[key]?.string, !path.isEmpty else {
            return nil
        }
        return absolute(path)
    }

    private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(directory)/\(path)" }
}

extension ClientConfiguration {
    /// The configuration of a kubeconfig file.
    public static func kubeconfig(_ path: String, context: String? = nil) throws(ClientError) -> ClientConfiguration {
        try Kubeconfig(contentsOf: path).configuration(context: context)
    }
}
