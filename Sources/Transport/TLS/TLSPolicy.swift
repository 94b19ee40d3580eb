internal import COpenSSL

/// Which versions of TLS are spoken, with which ciphers, and how long a peer's chain may be.
package struct TLSPolicy: Hashable, Sendable {
    package enum Version: Hashable, Sendable, Comparable {
        case v12
        case v13
    }

    /// The lowest and the highest.
    package var versions: ClosedRange<Version>
    /// For TLS 1.2, as OpenSSL writes them; nil for those of Mozilla's intermediate set.
    package var ciphers: String?
    /// Intermediate certificates between the peer's own and an authority's; nil for OpenSSL's 100.
    package var depth: Int32?

    package init(versions: ClosedRange<Version> = .v12 ... .v13, ciphers: String? = nil, depth: Int32? = nil) {
        self.versions = versions
        self.ciphers = ciphers
        self.depth = depth
    }

    /// Whether OpenSSL knows a cipher of a list.
    package static func knowsCiphers(_ list: String) -> Bool {
        guard let context = SSL_CTX_new(TLS_client_method()) else { return false }
        defer { SSL_CTX_free(context) }
        let isKnown = SSL_CTX_set_cipher_list(context, list) == 1
        ERR_clear_error()
        return isKnown
    }
}

extension TLSPolicy.Version {
    var number: Int32 { self == .v12 ? TLS1_2_VERSION : TLS1_3_VERSION }
}
