internal import Transport

/// What a service has said of a request that it was asked about. Pure.
struct AccessVerdict: Sendable {
    enum Word: Sendable {
        case admitted
        case unknown
        case forbidden
        /// Anything else, or nothing.
        case failed
    }

    var word = Word.failed
    /// Lines that the upstream gets with the request, each with its end.
    var requestLines: [UInt8] = []
    /// Lines that the client gets, whatever its answer.
    var responseLines: [UInt8] = []
    /// The lines with challenges, where nobody is sent elsewhere to sign in.
    var challenges: [UInt8] = []

    static let failed = AccessVerdict()

    private init() {}

    /// Reads an answer's head.
    ///
    /// - Parameter most: bytes of lines that are passed on; more is no answer.
    init(
        _ head: UnsafePointer<HTTP1ResponseHead>, _ bytes: UnsafePointer<UInt8>, _ rule: ExternalAuthentication,
        most: Int
    ) {
        switch head.pointee.status {
        case 200..<300: word = .admitted
        case 401: word = .unknown
        case 403: word = .forbidden
        default: return
        }
        for index in 0..<head.pointee.fields.count {
            let field = head.pointee.fields[index]
            let name = RequestValue.slice(field.name, bytes)
            let value = RequestValue.slice(field.value, bytes)
            // What ends a line for somebody else must not get into one.
            guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else { continue }
            func line() -> [UInt8] { Array(name) + Array(": ".utf8) + Array(value) + [0x0D, 0x0A] }
            if rule.passes(name) { requestLines += line() }
            if name.count == 10, let base = name.baseAddress, RequestHead.equals(base, "set-cookie") {
                responseLines += line()
            }
            if name.count == 16, let base = name.baseAddress, RequestHead.equals(base, "www-authenticate") {
                challenges += line()
            }
        }
        if requestLines.count + responseLines.count + challenges.count > most { self = .failed }
    }
}

extension ExternalAuthentication {
    /// Whether fields of a name go from the answer to the upstream, and never from a client.
    func passes(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        passedFields.contains { passed in
            passed.count == name.count && passed.indices.allSatisfy { passed[$0] == name[$0].asciiLowercased }
        }
    }
}
