import Foundation
import Glibc
import Testing

@testable import Transport

/// A real nginx with TLS on the loopback, from a directory of its own.
final class NginxBackend: Sendable {
    let port: UInt16
    private let directory: URL
    private let pid: pid_t

    /// - Parameter directives: of its one server, beside where it listens and its certificate.
    init(certificatePEM: [UInt8], keyPEM: [UInt8], authorityPEM: [UInt8], directives: String) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "martlet-nginx-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for (name, bytes) in [("tls.crt", certificatePEM), ("tls.key", keyPEM), ("ca.crt", authorityPEM)] {
            try Data(bytes).write(to: directory.appending(path: name))
        }
        port = Self.freePort()
        let path = directory.path
        let configuration = """
            daemon off; master_process off; pid \(path)/pid; error_log \(path)/error.log;
            events {}
            http {
                access_log off;
                client_body_temp_path \(path); proxy_temp_path \(path); fastcgi_temp_path \(path);
                uwsgi_temp_path \(path); scgi_temp_path \(path);
                server {
                    listen 127.0.0.1:\(port) ssl;
                    ssl_certificate \(path)/tls.crt;
                    ssl_certificate_key \(path)/tls.key;
                    ssl_client_certificate \(path)/ca.crt;
                    \(directives)
                }
            }
            """
        try Data(configuration.utf8).write(to: directory.appending(path: "nginx.conf"))
        let words = ["nginx", "-p", path, "-c", "\(path)/nginx.conf", "-e", "\(path)/error.log"]
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var started: pid_t = 0
        try #require(posix_spawn(&started, "/usr/sbin/nginx", nil, nil, &arguments, environ) == 0)
        pid = started
        for _ in 0..<1_000 where !isListening { usleep(10_000) }
        let log = (try? String(contentsOf: directory.appending(path: "error.log"), encoding: .utf8)) ?? ""
        try #require(isListening, "\(log)")
    }

    func stop() {
        // It has the signal mask of the thread that started it, which may block SIGTERM.
        kill(pid, SIGKILL)
        while waitpid(pid, nil, 0) < 0, errno == EINTR {}
        // What is left is in the directory for temporary files.
        try? FileManager.default.removeItem(at: directory)
    }

    private var isListening: Bool { Self.connect(port) }

    private static func connect(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// One that the kernel has free at the moment.
    private static func freePort() -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, size)
                _ = getsockname(descriptor, $0, &size)
            }
            return UInt16(bigEndian: address.pointee.sin_port)
        }
    }
}
