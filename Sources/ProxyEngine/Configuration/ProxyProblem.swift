package import NetworkTypes

/// A part of a configuration that could not take effect. The rest of it did.
package struct ProxyProblem: Sendable, Hashable {
    package enum Subject: Sendable, Hashable {
        /// The listener cannot be bound; it is tried again with every snapshot that has it.
        case listener(SocketAddress)
        /// Index into ``ProxyConfiguration/certificates``.
        case certificate(Int)
        /// Index into ``ProxyConfiguration/clientCertificates``: its routes let nobody in.
        case clientCertificates(Int)
        /// An upstream of that name is not connected to, since its TLS cannot be set up.
        case upstream(String)
    }

    package var subject: Subject
    /// One line for an Event or a status line.
    package var message: String

    package init(subject: Subject, message: String) {
        self.subject = subject
        self.message = message
    }
}
