internal import CLinux
internal import Glibc
internal import NetworkTypes
internal import System

/// Host names to addresses, by the system's resolver.
enum HostResolver {
    /// The addresses in the system's order of preference; never empty. Literals need no lookup.
    static func resolve(host: String, port: Port) async throws -> [SocketAddress] {
        if let ip = IPAddress(host) { return [SocketAddress(ip: ip, port: port)] }
        return try await withCheckedThrowingContinuation { continuation in
            let lookup = Lookup(host: host, port: port) { continuation.resume(with: $0) }
            if !lookup.start() {
                continuation.resume(throwing: TransportError(.hostNotFound, "no thread to look up \(host)"))
            }
        }
    }

    /// One blocking `getaddrinfo` on a thread of its own: it must stop neither a loop nor Swift's thread pool.
    private final class Lookup: Sendable {
        private let host: String
        private let port: Port
        private let done: @Sendable (Result<[SocketAddress], any Error>) -> Void

        init(host: String, port: Port, done: @escaping @Sendable (Result<[SocketAddress], any Error>) -> Void) {
            self.host = host
            self.port = port
            self.done = done
        }

        func start() -> Bool {
            do throws(SystemError) {
                try BackgroundThread(name: "resolver") { [self] in done(run()) }.detach()
                return true
            } catch {
                return false
            }
        }

        private func run() -> Result<[SocketAddress], any Error> {
            var hints = addrinfo()
            hints.ai_socktype = MARTLET_SOCK_STREAM
            hints.ai_flags = AI_ADDRCONFIG
            var list: UnsafeMutablePointer<addrinfo>?
            let code = getaddrinfo(host, nil, &hints, &list)
            defer { if let list { freeaddrinfo(list) } }
            var addresses: [SocketAddress] = []
            var next = code == 0 ? list : nil
            while let entry = next {
                next = entry.pointee.ai_next
                guard let address = entry.pointee.ai_addr else { continue }
                var storage = sockaddr_storage()
                memcpy(&storage, address, min(Int(entry.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size))
                if var found = SocketAddress(kernel: storage) {
                    found.port = port
                    addresses.append(found)
                }
            }
            guard !addresses.isEmpty else {
                let reason = code == 0 ? "no address" : String(cString: gai_strerror(code))
                return .failure(TransportError(.hostNotFound, "\(host): \(reason)"))
            }
            return .success(addresses)
        }
    }
}
