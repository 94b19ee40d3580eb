import KubeModel
import Transport

/// `/statusz` and `/flagz`: pages for people, in the form of Kubernetes' z-pages (KEP-4827, KEP-4828).
struct StatusPage: Sendable {
    private static let notice =
        "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is "
        + "for debugging purposes only.\n"

    /// Name and value of each flag as it is in force.
    let flags: [(name: String, value: String)]
    private let started: Timestamp
    private let begin = MonotonicTime.now

    init(flags: [(name: String, value: String)], started: Timestamp = Timestamp.now) {
        self.flags = flags
        self.started = started
    }

    var statusz: OutgoingResponse {
        let seconds = Int((MonotonicTime.now - begin).components.seconds)
        let minutes = String(seconds / 60 % 60)
        return page(
            "\nmartlet-apiserver statusz\n\(Self.notice)\nStarted: \(started)\n"
                + "Up: \(seconds / 3600) hr \(minutes.count < 2 ? "0" : "")\(minutes) min \(seconds % 60) sec\n"
                + "Binary version: \(ServerVersion.martlet)\nEmulation version: \(ServerVersion.emulated)\n"
                + "Paths: /healthz /livez /metrics /readyz /statusz /flagz /version\n")
    }

    var flagz: OutgoingResponse {
        let lines = flags.sorted { $0.name < $1.name }.map { "\($0.name)=\($0.value)\n" }.joined()
        return page("\nmartlet-apiserver flags\n\(Self.notice)\n\(lines)")
    }

    private func page(_ text: String) -> OutgoingResponse {
        OutgoingResponse(
            contentType: "text/plain; charset=utf-8", headers: [("X-Content-Type-Options", "nosniff")],
            body: [Array(text.utf8)])
    }
}
