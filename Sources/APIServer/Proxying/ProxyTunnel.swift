import Synchronization
import Transport

/// Bytes between a client and a backend that have both left HTTP. Neither is read further while the other does not take what
/// waits for it; the end of one direction is passed on, and the other goes on; when one connection breaks, both are closed.
final class ProxyTunnel: Sendable {
    /// Bytes that wait in one direction before no more is read for it.
    private static let highWater = 64 << 10
    /// Less than this has to be left before more is read.
    private static let lowWater = 16 << 10

    private let upgrade: ClientUpgrade
    private let metrics: ProxyMetrics
    private let stream = Mutex<(any TunnelStream)?>(nil)

    init(_ upgrade: ClientUpgrade, _ metrics: ProxyMetrics) {
        self.upgrade = upgrade
        self.metrics = metrics
    }

    /// Answers the client with the 101 of the backend, and returns when both connections are closed.
    /// - Parameters:
    ///   - body: What the backend sends.
    ///   - opened: Told when the client's 101 is on its way.
    func run(
        _ body: HTTPClientBody, headers: [(name: String, value: String)], _ writer: any ResponseWriter,
        opened: () -> Void
    ) async {
        let client = writer.startTunnel(
            headers: headers, receive: { [self] in passToBackend($0) }, ended: { [upgrade] in upgrade.finish() })
        stream.withLock { $0 = client }
        metrics.tunnelOpened()
        defer { metrics.tunnelClosed() }
        opened()
        let reading = Task { await passToClient(body, client) }
        client.onClose { [upgrade] in
            reading.cancel()
            upgrade.close()
        }
        await reading.value
        await withCheckedContinuation { continuation in upgrade.onClose { continuation.resume() } }
        // Nobody takes what the client still sends; what is on its way to the client goes there.
        client.refuseInput()
        await withCheckedContinuation { continuation in client.onClose { continuation.resume() } }
    }

    private func passToClient(_ body: HTTPClientBody, _ client: any TunnelStream) async {
        do {
            for try await piece in body {
                client.write(piece)
                metrics.passedToClient(piece.count)
                await withCheckedContinuation { continuation in
                    client.onRoom(below: Self.lowWater) { continuation.resume() }
                }
            }
        } catch {
            // Broken, or ended without TLS's goodbye: what came before it is the client's, and the backend is sent no more.
            upgrade.close()
        }
        client.finish()
    }

    // MARK: On the client's loop

    private func passToBackend(_ bytes: [UInt8]) {
        metrics.passedToBackend(bytes.count)
        upgrade.send(bytes)
        // Before `run` has the stream nothing but what came with the request comes here: not more than one buffer of it.
        guard upgrade.pendingBytes >= Self.highWater, let client = stream.withLock({ $0 }) else { return }
        // In this order and on this loop: were there room at once, it would be admitted before it is held.
        client.holdInput()
        upgrade.onRoom(below: Self.lowWater) { client.admitInput() }
    }
}
