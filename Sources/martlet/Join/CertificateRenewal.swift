import KubeClient
import System
import Transport

/// Renews a node's certificate before it ends, as a kubelet does.
struct CertificateRenewal: Sendable {
    /// How soon a renewal that failed is tried again.
    static let retryPause: Duration = .seconds(60)
    /// No sleep is longer, since clocks are set and machines sleep.
    static let longestPause: Duration = .seconds(3600)

    let directory: DataDirectory
    let node: String
    /// Told when the certificate was renewed, or why not.
    let report: @Sendable (String) -> Void

    /// When a certificate is to be renewed, in seconds since 1970: after 70 to 90 % of its time, by a share from 0 to 1 that
    /// is drawn once, so that machines that joined together do not renew together.
    static func moment(_ certificate: CertificateDetails, share: Double) -> Int64 {
        let length = Double(certificate.notAfter - certificate.notBefore)
        return certificate.notBefore + Int64(length * (0.7 + 0.2 * min(max(share, 0), 1)))
    }

    /// Renews until cancelled.
    func run() async throws {
        let credentials = NodeCredentials(directory: directory)
        let share = Double.random(in: 0...1)
        while true {
            do {
                if let certificate = try credentials.certificate() {
                    let rest = Self.moment(certificate, share: share) - SystemClock.secondsSinceEpoch
                    guard rest <= 0 else {
                        try await Task.sleep(for: min(.seconds(rest), Self.longestPause))
                        continue
                    }
                }
                let exchange = CertificateExchange(client: try credentials.client(), node: node)
                try credentials.store(try await exchange.obtain())
                report("the certificate of node \(node) was renewed")
            } catch {
                try Task.checkCancellation()
                report("the certificate of node \(node) could not be renewed: \(error)")
                try await Task.sleep(for: Self.retryPause)
            }
        }
    }
}
