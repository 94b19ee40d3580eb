import Transport

/// What a stream has not taken yet. Small pieces are joined, so that many answers cost one system call.
struct SendBuffer {
    private var bytes: [UInt8] = []
    /// Of these bytes so many are sent.
    private var sent = 0

    /// Bytes that are to be sent.
    var count: Int { bytes.count - sent }
    var isEmpty: Bool { count == 0 }

    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    mutating func append(_ piece: some Collection<UInt8>) { bytes += piece }

    /// Writes as much as the kernel takes at once.
    mutating func write(to descriptor: Int32) -> Socket.Transfer { write(to: StreamSocket(descriptor: descriptor)) }

    /// Writes as much as the kernel takes at once, or as one record of TLS holds.
    mutating func write(to socket: StreamSocket) -> Socket.Transfer {
        let transfer = bytes.withUnsafeBytes { all in
            socket.write(UnsafeRawBufferPointer(rebasing: all[sent...]))
        }
        guard case .bytes(let count) = transfer else { return transfer }
        sent += count
        if sent == bytes.count {
            bytes = []
            sent = 0
        } else if sent > bytes.count / 2 {
            bytes.removeFirst(sent)
            sent = 0
        }
        return transfer
    }
}
