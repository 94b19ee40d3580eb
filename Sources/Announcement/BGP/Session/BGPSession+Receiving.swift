internal import NetworkTypes

extension BGPSession {
    mutating func receive(_ bytes: [UInt8], at now: Duration) -> [Action] {
        var actions: [Action] = []
        stream.append(bytes)
        while state.hasConnection {
            let conventions = BGPReceivedUpdate.Conventions(
                fourOctetASN: negotiated?.fourOctetASN ?? true, isInternal: negotiated?.isInternal ?? false)
            do throws(BGPNotification) {
                guard let message = try stream.next(conventions) else { break }
                counters.count(received: message)
                actions += receive(message, at: now)
            } catch {
                actions += refuse(error, at: now)
            }
        }
        return actions
    }

    private mutating func receive(_ message: BGPReceivedMessage, at now: Duration) -> [Action] {
        if case .notification(let notification) = message {
            return end(.notified(notification, in: state), at: now)
        }
        switch (state, message) {
        case (.openSent, .open(let open)):
            return receive(open, at: now)
        case (.openConfirm, .keepalive):
            return establish(at: now)
        case (.established, .keepalive), (.established, .update):
            restartHold(at: now)
            return []
        case (.established, .routeRefresh(let family)):
            restartHold(at: now)
            guard let unicast = family.unicast else { return [] }
            routes.resend(unicast)
            return [.routesWaiting]
        default:
            // RFC 6608.
            let subcode: UInt8 =
                switch state {
                case .openSent: 1
                case .openConfirm: 2
                default: 3
                }
            return refuse(.unexpected(message.type.rawValue, subcode: subcode), at: now)
        }
    }

    private mutating func receive(_ open: BGPOpen, at now: Duration) -> [Action] {
        do throws(BGPNotification) {
            negotiated = try BGPNegotiated(configuration, open)
        } catch {
            return refuse(error, at: now)
        }
        state = .openConfirm
        hold = nil
        restartHold(at: now)
        scheduleKeepalive(at: now)
        return [send(.keepalive, at: now)]
    }

    private mutating func establish(at now: Duration) -> [Action] {
        guard let negotiated else { return [] }
        state = .established
        isRestarting = false
        restartHold(at: now)
        healthy = now + Self.healthyTime
        routes.beginSession()
        // RFC 4724, section 3: who names the capability wants the marker, also where it keeps no routes itself.
        if negotiated.gracefulRestart != nil {
            endOfRIBDue = [IPFamily.v6, .v4].filter(negotiated.families.contains).map(BGPAddressFamily.init(unicast:))
        }
        return [.established(negotiated), .routesWaiting]
    }

    private mutating func restartHold(at now: Duration) {
        guard let negotiated, negotiated.holdTime > 0 else { return }
        hold = now + .seconds(Int(negotiated.holdTime))
    }

    /// The message as an action; counted, and its way out watched.
    mutating func send(_ message: BGPMessage, at now: Duration) -> Action {
        .send(encode(message, at: now) ?? [])
    }

    /// nil for a message that is too long, which none of ours is.
    mutating func encode(_ message: BGPMessage, at now: Duration) -> [UInt8]? {
        guard let bytes = message.encoded(fourOctetASN: negotiated?.fourOctetASN ?? true) else { return nil }
        counters.count(sent: message.type)
        if sendHold == nil {
            // RFC 9687, section 4: eight minutes, or twice the hold time where that is longer.
            sendHold = now + max(.seconds(480), .seconds(2 * Int(negotiated?.holdTime ?? 0)))
        }
        return bytes
    }
}
