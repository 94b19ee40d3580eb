internal import Transport

// Requests of routes that want to know who their client is by its certificate.
extension ProxyCore {
    /// What a request's route asks of its client's certificate; nil for nothing.
    func certificateRule(_ match: RoutingTable.Match) -> ClientCertificateRule? {
        match.certificateRule < 0 ? nil : configuration?.certificateRules[Int(match.certificateRule)]
    }

    /// What the client of a connection, or of one that carries its stream, has shown; nil for nothing.
    mutating func clientCertificate(_ c: Client) -> ClientCertificate? {
        let carrier = c.pointee.carrier.isNone ? c : clients[c.pointee.carrier]
        if let known = carrier.pointee.certificate { return known.takeUnretainedValue() }
        guard let peer = carrier.pointee.socket.tls?.peerCertificate else { return nil }
        let certificate = ClientCertificate(peer)
        carrier.pointee.certificate = Unmanaged.passRetained(certificate)
        return certificate
    }

    /// Answers a request that its route's rule does not let in.
    ///
    /// - Returns: false when it is let in.
    mutating func isRefused(_ x: ExchangeReference, _ c: Client, by rule: ClientCertificateRule) -> Bool {
        let carrier = c.pointee.carrier.isNone ? c : clients[c.pointee.carrier]
        let connection = carrier.pointee.socket.tls?.clientTrust
        switch rule.verdict(connection: connection, clientCertificate(c)) {
        case .admitted: return false
        case .misdirected:
            // A connection that was made under what was wanted before is of no use any more.
            x.pointee.flags.remove(.keepAlive)
            if carrier.pointee.phase == .multiplexed { drainFrames(carrier) }
            answer(x, 421)
        case .missing: answerUnknown(x, ErrorPage.certificateMissing, rule)
        case .bad: answerUnknown(x, ErrorPage.certificateBad, rule)
        case .forbidden: answer(x, 403)
        case .closed: answer(x, 503)
        }
        return true
    }

    private mutating func answerUnknown(_ x: ExchangeReference, _ status: Int32, _ rule: ClientCertificateRule) {
        guard let page = rule.errorPage else { return answer(x, status) }
        var location = buffers.take(page.count)
        page.withUnsafeBufferPointer { page in
            if let base = page.baseAddress { location.append(base, page.count) }
        }
        answer(x, 302, location: location)
        buffers.release(&location)
    }

    /// The lines about its client that a request's head gets.
    mutating func certificateLines(_ c: Client, _ rule: ClientCertificateRule?) -> [UInt8] {
        guard let rule else { return [] }
        guard let certificate = clientCertificate(c) else { return ClientCertificate.linesOfNone }
        return rule.passesCertificate ? certificate.linesWithCertificate : certificate.lines
    }
}
