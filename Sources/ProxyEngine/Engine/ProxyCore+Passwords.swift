internal import Glibc
internal import NetworkTypes
internal import Passwords
internal import Transport

// Requests of routes that are for who knows a password.
extension ProxyCore {
    /// What becomes of a request that needs a password.
    enum PasswordVerdict {
        case admitted
        case refused(OwnReply)
        /// The answer takes longer than a loop may wait.
        case open(OpenPassword)
    }

    /// A password that is to be checked elsewhere.
    struct OpenPassword {
        var check: BasicCredentials
        var hash: PasswordHash
        /// Whether a password that is right lets anybody in.
        var isUser: Bool
        var users: PasswordFile
        var key: CredentialCache.Key?
    }

    /// How long a request waits for its password to be checked.
    private static var patience: Duration { .seconds(10) }

    /// Judges the request in `requestHead` by its name and password.
    mutating func judge(
        _ rule: BasicAuthentication, _ x: ExchangeReference, _ bytes: UnsafePointer<UInt8>
    ) -> PasswordVerdict {
        guard let users = rule.users else { return .refused(OwnReply(status: 503)) }
        guard let credentials = BasicCredentials(requestHead, bytes) else {
            return .refused(challenge(rule, x))
        }
        let (hash, isUser) = users.hash(of: credentials.user)
        if hash.isQuick {
            return hash.matches(credentials.password) && isUser ? .admitted : .refused(challenge(rule, x))
        }
        let key = isUser ? verified.key(credentials.password, hash) : nil
        if let key, verified.contains(key, now: loop.now.nanoseconds) { return .admitted }
        return .open(OpenPassword(check: credentials, hash: hash, isUser: isUser, users: users, key: key))
    }

    /// Has a request, which is ready to be sent, wait until its password was checked.
    mutating func wait(
        for open: OpenPassword, _ rule: BasicAuthentication, _ x: ExchangeReference, _ c: Client,
        _ target: UpstreamDirectory.State, then question: OpenQuestion?
    ) {
        guard let worker = worker?.takeUnretainedValue() else { return answer(x, 503) }
        let tell: @Sendable (Bool) -> Void = {
            [loop, exchange = x.handle, target = target.handle, configuration, open, rule, question, worker] isRight in
            loop.execute {
                worker.core.pointee.updateTime()
                worker.core.pointee.passwordWasChecked(
                    isRight && open.isUser, open, rule, exchange, target, then: question, under: configuration)
            }
        }
        let check = PasswordChecker.Check(
            password: open.check.password, hash: open.hash, deadline: ContinuousClock.now + Self.patience, tell: tell)
        switch passwords.submit(check, against: open.users, of: PeerKey(c.pointee.address.ip).number) {
        case .ofClient: answer(x, ErrorPage.tooManyPasswords)
        case .ofAll: answer(x, ErrorPage.passwordsWaiting)
        case nil:
            x.pointee.flags.insert(.checkingPassword)
            setTimer(client: c, CoreLimits.ticks(Self.patience))
        }
    }

    /// - Parameter configuration: by which the request came.
    private mutating func passwordWasChecked(
        _ isRight: Bool, _ open: OpenPassword, _ rule: BasicAuthentication, _ exchange: Handle<Party.Exchanges>,
        _ target: Handle<Party.Targets>, then question: OpenQuestion?, under configuration: CompiledConfiguration?
    ) {
        let isCurrent = self.configuration === configuration || isUsed(open.users)
        if isRight, isCurrent, let key = open.key { verified.insert(key, now: loop.now.nanoseconds) }
        guard let x = exchanges.resolve(exchange), x.pointee.flags.contains(.checkingPassword) else { return }
        x.pointee.flags.remove(.checkingPassword)
        let client = x.pointee.client
        let c = clients[client]
        suspendTimer(client: c)
        if !isRight {
            answer(x, challenge(rule, x).status)
        } else if isCurrent, let state = directory.resolve(target) {
            if let question { ask(question, x, c, state, under: configuration) } else { dispatch(x, c, state) }
        } else {
            // Who may come has changed since.
            answer(x, ErrorPage.notReady)
        }
        continueClient(client)
    }

    /// Whether some route lets in the same by the same passwords.
    private func isUsed(_ users: PasswordFile) -> Bool {
        configuration?.table.filters.contains { $0.basicAuthentication?.users == users } ?? false
    }

    /// Notes what the client is asked for.
    private mutating func challenge(_ rule: BasicAuthentication, _ x: ExchangeReference) -> OwnReply {
        let start: StaticString = "WWW-Authenticate: Basic realm=\""
        let end: StaticString = "\"\r\n"
        buffers.reserve(start.utf8CodeUnitCount + rule.quotedRealm.count + 3, in: &x.pointee.responseFields)
        x.pointee.responseFields.append(start.utf8Start, start.utf8CodeUnitCount)
        rule.quotedRealm.withUnsafeBufferPointer { realm in
            if let base = realm.baseAddress { x.pointee.responseFields.append(base, realm.count) }
        }
        x.pointee.responseFields.append(end.utf8Start, end.utf8CodeUnitCount)
        return OwnReply(status: 401)
    }
}
