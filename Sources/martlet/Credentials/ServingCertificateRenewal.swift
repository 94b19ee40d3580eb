import Logging
import System

/// Keeps a running server's certificate the one that its files hold, and Martlet's own files right for the machine: they are
/// made anew when its addresses change or the certificate grows old.
///
/// A certificate that cannot be served, or read, is told once; the last good one stays.
struct ServingCertificateRenewal {
    /// How often addresses and files are looked at.
    static let pause: Duration = .seconds(15)

    private let certificatePath: String
    private let keyPath: String
    /// Makes the files right first; nothing where they are the operator's own.
    private let refresh: () throws -> Void
    private let replace: (_ certificate: [UInt8], _ key: [UInt8]) throws -> Void
    private let logger: Logger
    private var served: [UInt8]
    private var trouble: String?

    /// - Parameter replace: has the server use another certificate, or throws and changes nothing.
    init(
        certificatePath: String, keyPath: String, logger: Logger, refresh: @escaping () throws -> Void,
        replace: @escaping (_ certificate: [UInt8], _ key: [UInt8]) throws -> Void
    ) throws {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.refresh = refresh
        self.replace = replace
        self.logger = logger
        served = try FileBytes.read(certificatePath)
    }

    /// Looks once.
    mutating func look() {
        do {
            try refresh()
            let certificate = try FileBytes.read(certificatePath)
            if certificate != served {
                try replace(certificate, FileBytes.read(keyPath))
                served = certificate
                logger.notice("serving with a new certificate, from \(certificatePath)")
            }
            trouble = nil
        } catch {
            let text = "\(error)"
            guard text != trouble else { return }
            trouble = text
            logger.warning("the certificate in \(certificatePath) is not served, the one so far is: \(text)")
        }
    }

    /// Looks until cancelled.
    mutating func run() async {
        while !Task.isCancelled {
            // Ends only by cancellation, which the loop checks.
            try? await Task.sleep(for: Self.pause)
            look()
        }
    }
}
