/// Where the API server is and how to be admitted there.
public struct ClientConfiguration: Sendable {
    /// An address of the API server.
    public enum Server: Sendable, Hashable, CustomStringConvertible {
        case https(host: String, port: Int)
        case http(host: String, port: Int)
        /// A unix socket: the file's permissions take the place of credentials.
        case unix(path: String)

        /// The host name or address; nil for a socket.
        public var host: String? {
            switch self {
            case .https(let host, _), .http(let host, _): host
            case .unix: nil
            }
        }

        /// The host with the port; the path of a socket.
        public var authority: String {
            switch self {
            case .https(let host, let port), .http(let host, let port): "\(host):\(port)"
            case .unix(let path): path
            }
        }

        public var description: String {
            switch self {
            case .https(let host, let port): "https://\(host):\(port)"
            case .http(let host, let port): "http://\(host):\(port)"
            case .unix(let path): "unix://\(path)"
            }
        }
    }

    public var server: Server
    /// PEM of the authorities that may sign the server's certificate; nil for the system's.
    public var certificateAuthority: [UInt8]?
    /// The name that the server's certificate must carry. Our transport checks the host and refuses another name here.
    public var tlsServerName: String?
    /// Accepts any server certificate.
    public var skipsServerVerification: Bool
    /// PEM of the client's certificate and key.
    public var clientCertificate: [UInt8]?
    public var clientKey: [UInt8]?
    /// Where certificate and key came from; nil for inline ones. Read again at most once a minute, so that a renewed
    /// certificate is shown on new connections.
    public var clientCertificateFile: String?
    public var clientKeyFile: String?
    public var token: String?
    /// Read again at most once a minute; wins over `token`.
    public var tokenFile: String?
    /// The namespace of commands that name none.
    public var namespace: String
    public var userAgent: String

    public init(
        server: Server, certificateAuthority: [UInt8]? = nil, tlsServerName: String? = nil,
        skipsServerVerification: Bool = false, clientCertificate: [UInt8]? = nil, clientKey: [UInt8]? = nil,
        token: String? = nil, tokenFile: String? = nil, namespace: String = "default", userAgent: String = "martlet"
    ) {
        self.server = server
        self.certificateAuthority = certificateAuthority
        self.tlsServerName = tlsServerName
        self.skipsServerVerification = skipsServerVerification
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
        self.token = token
        self.tokenFile = tokenFile
        self.namespace = namespace
        self.userAgent = userAgent
    }
}

extension ClientConfiguration.Server {
    /// Reads a URL: `https://host[:port]`, `http://host[:port]` or `unix:///path`. A path behind the host is refused,
    /// since our client joins it with nothing.
    public init(url: String) throws(ClientError) {
        func invalid(_ reason: String) -> ClientError {
            ClientError(.configuration, "server \"\(url)\": \(reason)")
        }
        if url.hasPrefix("unix://") {
            let path = String(url.dropFirst(7))
            guard path.hasPrefix("/") else { throw invalid("the path of a unix socket must be absolute") }
            self = .unix(path: path)
            return
        }
        let isSecure: Bool
        var rest: Substring
        if url.hasPrefix("https://") {
            (isSecure, rest) = (true, url.dropFirst(8))
        } else if url.hasPrefix("http://") {
            (isSecure, rest) = (false, url.dropFirst(7))
        } else if !url.contains("://") {
            (isSecure, rest) = (true, Substring(url))
        } else {
            throw invalid("only https, http and unix are known")
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.contains("/"), !rest.contains("?"), !rest.contains("@") else {
            throw invalid("only a host and a port may be given")
        }
        var host = rest
        var port = isSecure ? 443 : 80
        let colon: Substring.Index?
        if rest.hasPrefix("["), let bracket = rest.firstIndex(of: "]") {
            host = rest[rest.index(after: rest.startIndex)..<bracket]
            let behind = rest.index(after: bracket)
            guard behind == rest.endIndex || rest[behind] == ":" else { throw invalid("unexpected text behind ]") }
            colon = behind == rest.endIndex ? nil : behind
        } else {
            colon = rest.lastIndex(of: ":")
            if let colon { host = rest[..<colon] }
        }
        if let colon {
            guard let number = UInt16(rest[rest.index(after: colon)...]), number != 0 else {
                throw invalid("the port must be a number from 1 to 65535")
            }
            port = Int(number)
        }
        guard !host.isEmpty else { throw invalid("there is no host") }
        self = isSecure ? .https(host: String(host), port: port) : .http(host: String(host), port: port)
    }
}
