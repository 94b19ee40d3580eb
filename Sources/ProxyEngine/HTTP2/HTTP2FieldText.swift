internal import Transport

/// Writes the field lines of a response head or of trailers that came by HTTP/2 as text of HTTP/1.1. Pure.
struct HTTP2FieldText {
    private(set) var lines: [UInt8] = []
    /// Of a response; 0 as long as there was none.
    private(set) var status = 0
    /// Something does not belong there, or it is too much.
    private(set) var isMalformed = false
    private var listBytes = 0
    private var limit = 0

    init() {}

    /// - Parameter limit: bytes of the field list.
    mutating func begin(limit: Int) {
        self.limit = limit
        listBytes = 0
        status = 0
        isMalformed = false
        lines.removeAll(keepingCapacity: true)
    }

    mutating func add(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        listBytes += name.count + value.count + 32
        if listBytes > limit || name.isEmpty { isMalformed = true }
        if value.contains(where: { $0 == 0x0D || $0 == 0x0A || $0 == 0 }) { isMalformed = true }
        guard !isMalformed else { return }
        if name[0] == 0x3A {
            guard name.elementsEqual(":status".utf8), value.count == 3 else { return isMalformed = true }
            for digit in value {
                guard digit &- 0x30 < 10 else { return isMalformed = true }
                status = status * 10 + Int(digit - 0x30)
            }
            return
        }
        // White space and colons would begin another field; framing is HTTP/2's (RFC 9113 section 8.2).
        if name.contains(where: { $0 <= 0x20 || $0 == 0x3A || $0 >= 0x7F }) { return isMalformed = true }
        switch HTTP1FieldKind.recognise(UnsafeRawBufferPointer(name)) {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade: return isMalformed = true
        default: break
        }
        lines += name
        lines += [0x3A, 0x20]
        lines += value
        lines += [0x0D, 0x0A]
    }

    /// Adds the head of a response to `text`; without a usable status it adds nothing.
    func finish(to text: inout [UInt8]) {
        guard !isMalformed, status >= 100, status != 101, status < 1000 else { return }
        text += "HTTP/1.1 ".utf8
        text += [UInt8(0x30 + status / 100), UInt8(0x30 + status / 10 % 10), UInt8(0x30 + status % 10)]
        text.append(0x20)
        text += HTTPResponse.reasonPhrase(status).utf8
        text += [0x0D, 0x0A]
        text += lines
        text += [0x0D, 0x0A]
    }
}
