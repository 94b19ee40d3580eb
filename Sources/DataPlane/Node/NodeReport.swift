package import KubeModel
package import Transport

/// How a node does, as `/healthz`, `/livez` and `/metrics` tell it and the status line sums it up.
package struct NodeReport: Sendable {
    package var servedAddresses = 0
    package var unservedAddresses = 0
    package var routes = 0
    package var hosts = 0
    package var certificates = 0
    /// For how long nothing was heard from the API server; nil while it answers.
    package var staleFor: Duration?
    package var relayedConnections = 0
    package var openConnections = 0
    package var refused = 0
    package var openFlows = 0
    package var evictedFlows = 0
    package var isStopping = false
    package var times = SyncTimes()
    package var queue = SyncQueue(started: 0)
    package var portsWithoutLocal = NoLocalEndpoints.Counts()
    package var proxyMode = ProxyMode.userspace

    package init() {}

    /// The answer to a path; nil for others.
    ///
    /// As kube-proxy's: a node that lost the API server goes on with what it has and counts as healthy; one that is
    /// about to stop does not, so that load balancers turn away from it, but lives; one that stalled does neither.
    ///
    /// - Parameter isStalled: what the API said has waited too long to be enforced, or nobody looks any more.
    package func answer(_ path: String, now: Timestamp, isStalled: Bool) -> HTTPResponse? {
        let updated = isStalled ? Timestamp(secondsSinceEpoch: Int64(times.last)) : now
        let moments = #""lastUpdated": "\#(updated)","currentTime": "\#(now)""#
        switch path {
        case "/healthz":
            return Self.answer(
                !isStopping && !isStalled, "{\(moments), \"nodeEligible\": \(!isStopping)}")
        case "/livez": return Self.answer(!isStalled, "{\(moments)}")
        default: return nil
        }
    }

    private static func answer(_ isWell: Bool, _ body: String) -> HTTPResponse {
        HTTPResponse(
            status: isWell ? 200 : 503,
            headers: ["Content-Type": "application/json", "X-Content-Type-Options": "nosniff"], body: Array(body.utf8))
    }

    /// Prometheus' text format (version 0.0.4). No label has a value that a client chose.
    ///
    /// - Parameter page: further metrics, in the same format.
    package func metrics(followedBy page: String) -> HTTPResponse {
        var text = ""
        func add(_ name: String, _ kind: String, _ help: String, _ samples: [(labels: String, value: String)]) {
            text += "# HELP martlet_dataplane_\(name) \(help)\n# TYPE martlet_dataplane_\(name) \(kind)\n"
            for sample in samples { text += "martlet_dataplane_\(name)\(sample.labels) \(sample.value)\n" }
        }
        func gauge(_ name: String, _ help: String, _ value: some CustomStringConvertible) {
            add(name, "gauge", help, [("", "\(value)")])
        }
        func counter(_ name: String, _ help: String, _ value: some CustomStringConvertible) {
            add(name, "counter", help, [("", "\(value)")])
        }
        gauge(
            "api_server_connected", "Whether the API server answers (1) or the last known state is served (0).",
            staleFor == nil ? 1 : 0)
        gauge(
            "api_server_silent_seconds", "For how long nothing was heard from the API server.",
            staleFor?.components.seconds ?? 0)
        gauge("service_addresses", "Addresses of Services in effect.", servedAddresses)
        gauge("service_addresses_failed", "Addresses of Services that cannot be served.", unservedAddresses)
        gauge("routes", "Routes of the L7 proxy.", routes)
        gauge("route_hosts", "Hosts with routes.", hosts)
        gauge("certificates", "Certificates of the L7 proxy.", certificates)
        counter("relay_connections_total", "TCP connections to Services accepted.", relayedConnections)
        gauge("relay_connections_open", "TCP connections to Services open now.", openConnections)
        counter("relay_refused_total", "Connections and datagrams to Services turned away.", refused)
        gauge("relay_flows_open", "UDP flows open now.", openFlows)
        counter("relay_flows_evicted_total", "UDP flows that had to make room for newer ones.", evictedFlows)
        return HTTPResponse(
            status: 200, headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"],
            body: Array((text + times.page(queue, withoutLocal: portsWithoutLocal, mode: proxyMode) + page).utf8))
    }

    /// One line for people. It stays the same as long as nothing changed but the counters.
    package func statusText(listening: String, _ ledger: EnforcementLedger) -> String {
        var text =
            Self.count(servedAddresses, "service address", "es")
            + (proxyMode == .userspace ? ", " : " by \(proxyMode.rawValue), ")
            + "\(Self.count(routes, "route")) for \(Self.count(hosts, "host")), "
            + Self.count(certificates, "certificate") + " · L7 proxy on \(listening)"
        if let staleFor, staleFor >= Outage.shortest {
            // In steps, so that the line is not news every second.
            let seconds = staleFor.components.seconds
            let shown = seconds < 60 ? "\(seconds / 10 * 10) s" : "\(seconds / 60) min"
            text += "; API server not heard for \(shown), serving the last known state"
        }
        if let notServed = EnforcementAdvice.summary(ledger) { text += "; \(notServed)" }
        return text
    }

    private static func count(_ number: Int, _ noun: String, _ plural: String = "s") -> String {
        "\(number) \(noun)\(number == 1 ? "" : plural)"
    }
}
