internal import Passwords
internal import Transport

/// The name and password of a request (RFC 7617). Pure.
struct BasicCredentials {
    var user: [UInt8]
    var password: [UInt8]

    /// Reads the one `Authorization` of the request in `head`; nil where there is none, or one that is something else. Of two nobody
    /// knows which the backend would take.
    init?(_ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>) {
        var value: RequestValue.Bytes?
        for index in 0..<head.pointee.fields.count {
            let field = head.pointee.fields[index]
            guard field.name.count == 13, RequestHead.equals(bytes + Int(field.name.start), "authorization") else {
                continue
            }
            if value != nil { return nil }
            value = RequestValue.slice(field.value, bytes)
        }
        guard let value, value.count > 6, let base = value.baseAddress, RequestHead.equals(base, "basic"),
            value[5] == 0x20
        else { return nil }
        let text = value[6...].drop { $0 == 0x20 }
        // The longest that can be right: a name of 256 bytes and the longest password.
        guard text.count <= (257 + PasswordHash.maxPasswordBytes) * 4 / 3 + 4, let pair = Base64Text.decode(text),
            let colon = pair.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        user = Array(pair[..<colon])
        password = Array(pair[(colon + 1)...])
    }
}
