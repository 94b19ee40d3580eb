extension BGPSession {
    /// Asks for a connection.
    mutating func dial(at now: Duration) -> [Action] {
        state = .connect
        connectRetry = now + (configuration.connectTime.map { .seconds(max(1, Int($0))) } ?? Self.connectTimeout)
        return [.connect]
    }

    /// Ends the session for a fault of the peer.
    mutating func refuse(_ notification: BGPNotification, at now: Duration) -> [Action] {
        let message = send(.notification(notification), at: now)
        return [message] + end(.refused(notification, in: state), at: now)
    }

    /// Lets go of the connection, and waits for the next try.
    mutating func end(_ reason: BGPSessionEnd, at now: Duration) -> [Action] {
        let connected = state != .active && state != .idle
        forget()
        state = .active
        connectRetry = now + retryDelay.next(afterRefusal: reason.isRefusal, fixed: configuration.connectTime)
        return (connected ? [.disconnect] : []) + [.ended(reason)]
    }

    mutating func stop(_ notification: BGPNotification?, at now: Duration) -> [Action] {
        var actions: [Action] = []
        if let notification, state.hasConnection { actions.append(send(.notification(notification), at: now)) }
        if state != .idle {
            if state != .active { actions.append(.disconnect) }
            actions.append(.ended(.stopped))
        }
        forget()
        state = .idle
        return actions
    }

    /// Whether the peer keeps our routes when the connection ends without a word (RFC 4724, section 4.2).
    var keepsRoutes: Bool {
        configuration.gracefulRestart?.isForwardingPreserved == true && negotiated?.gracefulRestart != nil
    }

    /// For how long the peer keeps our routes when the connection ends without a word; nil where it does not.
    package var absence: Duration? {
        keepsRoutes ? configuration.gracefulRestart.map { .seconds(Int($0.restartTime)) } : nil
    }

    private mutating func forget() {
        connectRetry = nil
        hold = nil
        keepalive = nil
        sendHold = nil
        healthy = nil
        negotiated = nil
        endOfRIBDue = []
        routes.endSession()
        stream = BGPMessageStream()
    }

    mutating func tick(at now: Duration) -> [Action] {
        if let connectRetry, connectRetry <= now {
            self.connectRetry = nil
            switch state {
            case .active: return dial(at: now)
            case .connect: return end(.unreachable("no answer in time"), at: now)
            default: break
            }
        }
        if let hold, hold <= now { return refuse(.holdTimerExpired, at: now) }
        if let sendHold, sendHold <= now {
            // RFC 9687, section 3.3: what it does not take it would not read either.
            return end(.refused(BGPNotification(code: 8, subcode: 0), in: state), at: now)
        }
        if let healthy, healthy <= now {
            self.healthy = nil
            retryDelay.succeed()
        }
        if let keepalive, keepalive <= now {
            scheduleKeepalive(at: now)
            // Behind output that does not move a keepalive says nothing, and would pile up.
            return sendHold == nil ? [send(.keepalive, at: now)] : []
        }
        return []
    }

    mutating func scheduleKeepalive(at now: Duration) {
        guard let negotiated, negotiated.holdTime > 0 else { return }
        let third = Duration.seconds(Int(negotiated.holdTime)) / 3
        let asked = configuration.keepaliveTime.map { Duration.seconds(max(1, Int($0))) }
        keepalive = now + retryDelay.jittered(min(third, asked ?? third))
    }
}
