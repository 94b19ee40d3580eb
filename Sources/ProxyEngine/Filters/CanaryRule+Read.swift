internal import Transport

extension CanaryRule {
    private enum Word {
        static let always = Array("always".utf8)
        static let never = Array("never".utf8)
    }

    /// Whether a request goes to the canary. A session that a cookie names comes before everything else, as in ingress-nginx:
    /// its client stays where it is.
    ///
    /// - Parameters:
    ///   - pattern: of the header, where it has one; nil matches nothing.
    ///   - session: of the request's cookie; 0 for none.
    ///   - keepsSessions: the canary has that cookie, too.
    ///   - drawn: a number by lot.
    func takes(
        _ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>, pattern: HeaderPattern?,
        session: UInt64, keepsSessions: Bool, drawn: UInt64
    ) -> Bool {
        if session != 0 {
            if !SessionCookie.isCanary(session) { return false }
            if keepsSessions { return true }
        }
        if let header {
            let value = RequestValue.field(header.name, head, bytes)
            // No such field is something else than an empty one, which a pattern may match.
            if value.baseAddress != nil {
                switch header.match {
                case .word: if let isTaken = Self.word(value) { return isTaken }
                case .value(let wanted): if value.elementsEqual(wanted) { return true }
                case .pattern: if pattern?.matches(value) ?? false { return true }
                }
            }
        }
        if let cookie, let isTaken = Self.word(RequestValue.cookie(cookie, head, bytes)) { return isTaken }
        return drawn % UInt64(total) < UInt64(max(0, weight))
    }

    private static func word(_ value: RequestValue.Bytes) -> Bool? {
        if value.elementsEqual(Word.always) { return true }
        return value.elementsEqual(Word.never) ? false : nil
    }
}
