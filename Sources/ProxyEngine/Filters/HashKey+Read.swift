internal import Transport

extension HashKey {
    /// Who sent a request, and how.
    struct Sender {
        var address: RequestValue.Bytes
        var isTLS: Bool
        /// Of the host's name in the request's authority.
        var hostNameCount: Int
    }

    /// The key of a request: the same on every loop and node, and after a restart.
    ///
    /// - Returns: 0 when nothing of what the key is made of is in the request.
    func read(_ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>, _ sender: Sender) -> UInt64 {
        var hash = PathHash.seed
        var isEmpty = true
        func add(_ value: RequestValue.Bytes) {
            if !value.isEmpty { isEmpty = false }
            for byte in value { hash = PathHash.step(hash, byte) }
            // Where one part ends says something, too.
            hash = PathHash.step(hash, 0)
        }
        for part in parts {
            switch part {
            case .text(let text): for byte in text { hash = PathHash.step(hash, byte) }
            case .clientAddress: add(sender.address)
            case .field(let name): add(RequestValue.field(name, head, bytes))
            case .cookie(let name): add(RequestValue.cookie(name, head, bytes))
            case .argument(let name): add(RequestValue.argument(name, head, bytes))
            case .pathAndQuery: add(RequestValue.slice(head.pointee.pathAndQuery, bytes))
            case .path: add(RequestValue.path(head, bytes))
            case .query: add(RequestValue.query(head, bytes))
            case .host:
                let name = RequestValue.slice(head.pointee.authority, bytes)
                for byte in name.prefix(sender.hostNameCount) { hash = PathHash.step(hash, byte.asciiLowercased) }
                isEmpty = false
            case .method: add(RequestValue.slice(head.pointee.method, bytes))
            case .scheme:
                hash = PathHash.step(hash, sender.isTLS ? 1 : 0)
                isEmpty = false
            }
        }
        if isEmpty { return 0 }
        return hash == 0 ? 1 : hash
    }
}
