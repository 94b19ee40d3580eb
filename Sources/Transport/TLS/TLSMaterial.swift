internal import COpenSSL

/// What is wrong with the texts that TLS is set up from; nil for nothing. For whoever keeps them and does not use them.
package enum TLSMaterial {
    /// Of PEM lists of certificates that were revoked.
    package static func problem(revocations pem: [UInt8]) -> String? {
        do throws(TransportError) {
            let lists = try PEM.revocations(pem)
            for list in lists { X509_CRL_free(list) }
            return lists.isEmpty ? "no certificate revocation list in the PEM text" : nil
        } catch {
            return error.message
        }
    }

    /// Of PEM certificates of authorities.
    package static func problem(authorities pem: [UInt8]) -> String? {
        do throws(TransportError) {
            let certificates = try PEM.certificates(pem)
            for certificate in certificates { X509_free(certificate) }
            return certificates.isEmpty ? "no certificate in the PEM text" : nil
        } catch {
            return error.message
        }
    }
}
