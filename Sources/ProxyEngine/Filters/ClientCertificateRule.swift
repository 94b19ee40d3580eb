internal import Transport

/// A ``ClientCertificatePolicy`` as requests are judged by it. Pure.
final class ClientCertificateRule: Sendable {
    enum Verdict: Equatable {
        case admitted
        /// The request is for a connection of another trust: its client may come again on one of its own.
        case misdirected
        /// No certificate was shown where one is needed.
        case missing
        /// One that is not accepted.
        case bad
        /// A good one, of somebody else.
        case forbidden
        /// What is wanted cannot be had: nobody is let in.
        case closed
    }

    /// ``TLSClientTrust/number`` of connections on which its requests may come; 0 where it is closed.
    let trust: Int32
    let passesCertificate: Bool
    /// nil for none.
    let errorPage: [UInt8]?
    private let mode: ClientCertificatePolicy.Mode
    private let pattern: HeaderPattern?
    private let isClosed: Bool

    init(_ policy: ClientCertificatePolicy, trust: Int32) {
        self.trust = trust
        passesCertificate = policy.passesCertificate
        errorPage = policy.errorPage.map { Array($0.utf8) }
        mode = policy.mode
        pattern = policy.subjectPattern.flatMap(HeaderPattern.init)
        isClosed = trust == 0 || policy.subjectPattern != nil && pattern == nil
    }

    /// - Parameters:
    ///   - connection: the trust that it was made under; nil without TLS.
    ///   - client: what it has shown; nil for nothing.
    func verdict(connection: Int32?, _ client: ClientCertificate?) -> Verdict {
        if isClosed { return .closed }
        guard let connection else { return mode == .required || pattern != nil ? .missing : .admitted }
        guard connection == trust else { return .misdirected }
        guard let client else {
            if mode == .required { return .missing }
            return pattern == nil ? .admitted : .forbidden
        }
        switch client.verdict {
        case .verified: break
        case .failed(_, let isUnknownIssuer): guard mode == .optionalNoCA, isUnknownIssuer else { return .bad }
        }
        return pattern.map { pattern in client.subject.withUnsafeBufferPointer { pattern.matches($0) } } ?? true
            ? .admitted : .forbidden
    }
}
