package import KubeClient
import Synchronization

/// Counts what is asked of the API server on its way there, as client-go does for its programs.
package final class CountedTransport: APITransport {
    /// What was asked so far.
    package struct Counts: Sendable, Hashable {
        package struct Kind: Sendable, Hashable {
            package var method: String
            /// A status; `<error>` where no answer came.
            package var code: String
        }

        package var requests: [Kind: UInt64] = [:]
        /// Of whole answers; those of watches never end.
        package var durations: [String: DurationHistogram] = [:]

        mutating func add(_ method: String, status: Int?) {
            // Whatever a server says, there are no more codes than these.
            let code = status.map { (100...599).contains($0) ? "\($0)" : "other" } ?? "<error>"
            requests[Kind(method: method, code: code), default: 0] += 1
        }

        mutating func add(_ method: String, took seconds: Double) {
            durations[method, default: DurationHistogram(bounds: CountedTransport.bounds)].add(seconds)
        }
    }

    /// Prometheus' own.
    static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private let transport: any APITransport
    /// Whom it asks, as labels name it.
    package let host: String
    private let tally = Mutex(Counts())

    package init(_ transport: any APITransport, host: String) {
        self.transport = transport
        self.host = host
    }

    package var counts: Counts { tally.withLock { $0 } }

    package func send(_ request: APIRequest) async throws -> APIResponse {
        let begun = ContinuousClock.now
        let result: Result<APIResponse, any Error>
        do { result = .success(try await transport.send(request)) } catch { result = .failure(error) }
        let took = (ContinuousClock.now - begun) / .seconds(1)
        tally.withLock { counts in
            counts.add(request.method, status: (try? result.get())?.status)
            counts.add(request.method, took: took)
        }
        return try result.get()
    }

    package func open(_ request: APIRequest) async throws -> APIStream {
        do {
            let stream = try await transport.open(request)
            tally.withLock { $0.add(request.method, status: stream.status) }
            return stream
        } catch {
            tally.withLock { $0.add(request.method, status: nil) }
            throw error
        }
    }
}
