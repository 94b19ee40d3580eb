/// HTTP/1.1 and, where TLS negotiates it, HTTP/2 on any number of addresses.
package final class HTTPServer: Sendable {
    package init(loops: [EventLoop], configuration: HTTPServerConfiguration, handler: any HTTPServerHandler) {}

    /// Starts to accept connections; returns the address with the port that the kernel chose. Callable several
    /// times, not on a loop.
    package func listen(_ address: BindAddress) throws(TransportError) -> BindAddress { address }

    /// Stops accepting, lets running requests finish for up to `drain`, then closes every connection.
    package func shutdown(drain: Duration = .seconds(5)) async {}
}
