/// A connected stream socket, with or without TLS on it: a plain value for slabs and connection objects. Whoever
/// holds it owns the descriptor and the TLS session, and ends both (``EventLoop/close(_:)``, ``TLSSession/free()``).
package struct StreamSocket {
    package let descriptor: Int32
    package let tls: TLSSession?

    package init(descriptor: Int32, tls: TLSSession? = nil) {
        self.descriptor = descriptor
        self.tls = tls
    }

    /// Reads once. With TLS this is at most one record and may give `.wouldBlock` although the kernel has bytes
    /// (of an incomplete record); call until it does.
    package func read(into buffer: UnsafeMutableRawBufferPointer) -> Socket.Transfer {
        if let tls { return tls.read(into: buffer) }
        return Socket.read(descriptor, into: buffer)
    }

    /// Writes once, possibly a part. With TLS, after `.wouldBlock` the next call must begin with the same bytes.
    package func write(_ bytes: UnsafeRawBufferPointer) -> Socket.Transfer {
        if let tls { return tls.write(bytes) }
        return Socket.write(descriptor, bytes)
    }
}
