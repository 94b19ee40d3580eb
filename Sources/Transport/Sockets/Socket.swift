internal import CLinux
internal import Glibc
package import NetworkTypes

/// The system calls on sockets that this package uses, with their errors classified. All descriptors are
/// non-blocking and closed on exec. The caller owns every descriptor it gets.
package enum Socket {
    /// What one read or write did.
    package enum Transfer: Sendable, Hashable {
        /// At least one byte was moved.
        case bytes(Int)
        /// Nothing can be moved until the next readiness event.
        case wouldBlock
        /// End of stream (read), or the peer is gone (write).
        case closed
        /// The connection broke with this `errno`.
        case failed(Int32)
    }

    /// What one accept did.
    package enum Accepted: Sendable {
        case connection(descriptor: Int32, peer: SocketAddress?)
        case wouldBlock
        /// The connection was gone before it was taken: try again at once.
        case aborted
        /// No descriptors or memory (EMFILE, ENFILE, ENOBUFS, ENOMEM): stop accepting for a while.
        case exhausted
        case failed(Int32)
    }

    // MARK: TCP

    /// A listening TCP socket. `TCP_NODELAY` and ``ConnectionLiveness/server`` are inherited by accepted connections. With
    /// `reusePort` several sockets may listen on one address, and the kernel spreads connections over them.
    package static func listen(
        _ address: SocketAddress, reusePort: Bool = false, backlog: Int32 = 4096
    ) throws(TransportError) -> Int32 {
        let descriptor = try open(family: address.ip.family, type: MARTLET_SOCK_STREAM)
        do throws(TransportError) {
            try setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR")
            if reusePort { try setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT") }
            try setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1, "TCP_NODELAY")
            ConnectionLiveness.server.apply(to: descriptor)
            try bind(descriptor, to: address)
            guard Glibc.listen(descriptor, backlog) == 0 else { throw .system(errno, "listen on \(address)") }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Starts a connection, from `source` if given; `TCP_NODELAY` is set. Usually it is still in progress on return:
    /// wait for a writable event, then ask ``pendingError(_:)``.
    package static func connect(
        _ address: SocketAddress, from source: SocketAddress? = nil
    ) throws(TransportError) -> Int32 {
        let descriptor = try open(family: address.ip.family, type: MARTLET_SOCK_STREAM)
        do throws(TransportError) {
            try setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1, "TCP_NODELAY")
            if let source { try bind(descriptor, to: source) }
            let result = address.withKernelAddress { Glibc.connect(descriptor, $0, $1) }
            guard result == 0 || errno == EINPROGRESS || errno == EINTR else {
                throw TransportError.system(errno, "connect to \(address)")
            }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    // MARK: Unix sockets

    /// A listening unix socket whose file has exactly `mode` from the first moment on. A socket file that nobody
    /// listens on any more is replaced; one with a living server gives `.addressInUse`.
    package static func listen(
        unixPath path: String, mode: UInt32, backlog: Int32 = 4096
    ) throws(TransportError) -> Int32 {
        try removeDeadSocketFile(path)
        let descriptor = try openUnix()
        do throws(TransportError) {
            // The mode of the file comes from the socket's own mode less the umask; fchmod before bind sets it
            // without a moment in which others could connect.
            guard fchmod(descriptor, mode_t(mode)) == 0 else { throw TransportError.system(errno, "fchmod \(path)") }
            let result = try withUnixAddress(path) { Glibc.bind(descriptor, $0, $1) }
            guard result == 0 else { throw TransportError.system(errno, "bind to \(path)") }
            guard chmod(path, mode_t(mode)) == 0 else { throw TransportError.system(errno, "chmod \(path)") }
            guard Glibc.listen(descriptor, backlog) == 0 else {
                throw TransportError.system(errno, "listen on \(path)")
            }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Connects to a unix socket.
    package static func connect(unixPath path: String) throws(TransportError) -> Int32 {
        let descriptor = try openUnix()
        do throws(TransportError) {
            let result = try withUnixAddress(path) { Glibc.connect(descriptor, $0, $1) }
            guard result == 0 else { throw TransportError.system(errno, "connect to \(path)") }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    // MARK: UDP

    /// A bound UDP socket.
    package static func bindUDP(_ address: SocketAddress, reusePort: Bool = false) throws(TransportError) -> Int32 {
        let descriptor = try open(family: address.ip.family, type: MARTLET_SOCK_DGRAM)
        do throws(TransportError) {
            if reusePort { try setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT") }
            try bind(descriptor, to: address)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    /// A UDP socket that sends to and receives from one peer only (so that ICMP errors are reported).
    package static func connectUDP(
        _ address: SocketAddress, from source: SocketAddress? = nil
    ) throws(TransportError) -> Int32 {
        let descriptor = try open(family: address.ip.family, type: MARTLET_SOCK_DGRAM)
        do throws(TransportError) {
            if let source { try bind(descriptor, to: source) }
            let result = address.withKernelAddress { Glibc.connect(descriptor, $0, $1) }
            guard result == 0 else { throw TransportError.system(errno, "connect to \(address)") }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    // MARK: Operations

    package static func accept(_ listener: Int32) -> Accepted {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let descriptor = martlet_accept(listener, &storage, &length)
        if descriptor >= 0 { return .connection(descriptor: descriptor, peer: SocketAddress(kernel: storage)) }
        switch errno {
        case EAGAIN: return .wouldBlock
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
        // What accept(2) lists as errors of the new connection rather than of the listener.
        case EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP,
            ENETUNREACH, EPERM:
            return .aborted
        case let number: return .failed(number)
        }
    }

    package static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        while true {
            let count = Glibc.recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .closed }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case let number: return .failed(number)
            }
        }
    }

    package static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Transfer {
        while true {
            let count = martlet_send(descriptor, bytes.baseAddress, bytes.count)
            if count >= 0 { return .bytes(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case EPIPE, ECONNRESET: return .closed
            case let number: return .failed(number)
            }
        }
    }

    /// Writes `first` and then `second` with one system call.
    package static func write(
        _ descriptor: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> Transfer {
        while true {
            let count = martlet_send2(
                descriptor, first.baseAddress, first.count, second.baseAddress, second.count)
            if count >= 0 { return .bytes(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case EPIPE, ECONNRESET: return .closed
            case let number: return .failed(number)
            }
        }
    }

    /// Sends FIN; reading goes on.
    package static func shutdownWrite(_ descriptor: Int32) {
        _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Holds back segments that are not full, or sends them (tcp(7), TCP_CORK). Where the system refuses, each write
    /// travels on its own.
    static func cork(_ descriptor: Int32, _ isCorked: Bool) {
        var value: Int32 = isCorked ? 1 : 0
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CORK, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    package static func close(_ descriptor: Int32) {
        _ = Glibc.close(descriptor)
    }

    /// Makes the coming close send RST instead of FIN, and drop unsent bytes.
    package static func resetOnClose(_ descriptor: Int32) {
        var value = linger(l_onoff: 1, l_linger: 0)
        _ = setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// The error of a connect that has ended (0: connected), cleared by reading it.
    package static func pendingError(_ descriptor: Int32) -> Int32 {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &value, &length) == 0 else { return errno }
        return value
    }

    /// The local address, or nil for a unix socket.
    package static func localAddress(_ descriptor: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return result == 0 ? SocketAddress(kernel: storage) : nil
    }

    // MARK: Parts

    static func open(family: IPFamily, type: Int32) throws(TransportError) -> Int32 {
        let descriptor = martlet_socket(family == .v4 ? AF_INET : AF_INET6, type, 0)
        guard descriptor >= 0 else { throw .system(errno, "socket") }
        // [::] must not take the IPv4 port as well: both are bound explicitly where both are wanted.
        // Without the option (a kernel built so) the port is merely shared.
        if family == .v6 { try? setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1, "IPV6_V6ONLY") }
        return descriptor
    }

    private static func openUnix() throws(TransportError) -> Int32 {
        let descriptor = martlet_socket(AF_UNIX, MARTLET_SOCK_STREAM, 0)
        guard descriptor >= 0 else { throw .system(errno, "socket") }
        return descriptor
    }

    static func bind(_ descriptor: Int32, to address: SocketAddress) throws(TransportError) {
        let result = address.withKernelAddress { Glibc.bind(descriptor, $0, $1) }
        guard result == 0 else { throw .system(errno, "bind to \(address)") }
    }

    static func setOption(
        _ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32, _ name: String
    ) throws(TransportError) {
        var value = value
        guard setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .system(errno, name)
        }
    }

    private static func withUnixAddress<Result>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) throws(TransportError) -> Result {
        var address = sockaddr_un()
        let length = martlet_unix_address(&address, path)
        guard length > 0 else {
            throw TransportError(.invalidArgument, "the path of a unix socket may have 107 bytes: \(path)")
        }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }

    private static func removeDeadSocketFile(_ path: String) throws(TransportError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw TransportError(.addressInUse, "\(path) exists and is not a socket")
        }
        do throws(TransportError) {
            Glibc.close(try connect(unixPath: path))
            throw TransportError(.addressInUse, "a server is listening on \(path)")
        } catch {
            guard error.code == .connectionRefused else { throw error }
            _ = unlink(path)
        }
    }
}
