public import ArgumentParser
public import NetworkTypes
import System
import Transport

struct EchoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo", abstract: "Serve requests with a description of themselves: a backend to try things with.",
        discussion: """
            Answers /healthz, /status/CODE, /delay/MILLISECONDS, /bytes/COUNT and /headers; everything else with one \
            line that names the backend and repeats the request.
            """)

    @Option(
        help: ArgumentHelp("Where to serve HTTP; may be given several times.", valueName: "address:port"),
        transform: SocketAddress.read)
    var listen: [SocketAddress] = []

    @Option(
        help: ArgumentHelp("Where to echo UDP datagrams; may be given several times.", valueName: "address:port"),
        transform: SocketAddress.read)
    var listenUDP: [SocketAddress] = []

    @Option(help: "The name that answers carry.")
    var name = "echo"

    func validate() throws {
        if listen.isEmpty && listenUDP.isEmpty {
            throw ValidationError("give at least one --listen or --listen-udp address")
        }
    }

    func run() async throws {
        let loops = try EventLoop.group(count: 1, name: "echo")
        let server = HTTPServer(
            loops: loops, configuration: HTTPServerConfiguration(), handler: EchoHandler(name: name))
        for address in listen {
            Terminal.line("\(name): serving HTTP on \(try server.listen(.tcp(address)))")
        }
        var datagrams: [DatagramEcho] = []
        for address in listenUDP {
            let echo = try DatagramEcho(loop: loops[0], address: address, name: name)
            echo.start()
            datagrams.append(echo)
            Terminal.line("\(name): echoing UDP on \(echo.address ?? address)")
        }
        ServiceNotification().ready(status: "serving")
        await ProcessSignals.waitForTermination()
        await server.shutdown()
        withExtendedLifetime(datagrams) {}
    }
}

extension SocketAddress: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
