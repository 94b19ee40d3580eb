import ArgumentParser
import KubeClient
import KubeModel
import System
import Transport

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make, show and remove the tokens by which other machines join.",
        subcommands: [Create.self, List.self, Delete.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token, and print it.",
            discussion: "Whoever has it can make one machine after the other a node until it expires.")

        @Argument(help: ArgumentHelp("The token. Default: a random one.", valueName: "id.secret"))
        var token: String?

        @Option(
            help: ArgumentHelp("How long it is good for; 0 is for ever. Default: 24h.", valueName: "duration"),
            transform: TimeSpan.read)
        var ttl = TimeSpan.seconds(86400)

        @Option(help: "What it is for, for people.")
        var description = ""

        @Flag(help: "Print the command that makes another machine a node, instead of the token alone.")
        var printJoinCommand = false

        @OptionGroup(title: "API server")
        var client: ClientOptions

        func validate() throws {
            if let token, BootstrapToken(token) == nil {
                throw ValidationError("a bootstrap token is of the form abcdef.0123456789abcdef")
            }
        }

        func run() async throws {
            let client = try APIClient(try client.configuration(userAgent: "token"))
            let token = token.flatMap { BootstrapToken($0) } ?? .random()
            let now = Timestamp(secondsSinceEpoch: SystemClock.secondsSinceEpoch)
            let record = BootstrapTokenRecord(
                token: token, description: description,
                expiration: ttl.milliseconds == 0 ? nil : now.advanced(bySeconds: ttl.seconds))
            // What to print is found out first: a token that nobody sees is of no use.
            let line = printJoinCommand ? try await JoinLine.text(client, token) : token.text
            do {
                _ = try await client.create(record.secret)
            } catch let status as Status where status.isAlreadyExists {
                throw CleanExitError("there is a token with the id \(token.id) already")
            }
            Terminal.line(line)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the tokens that there are.")

        @OptionGroup(title: "API server")
        var client: ClientOptions

        func run() async throws {
            let client = try APIClient(try client.configuration(userAgent: "token"))
            let secrets = try await client.list(
                Secret.self, namespace: BootstrapToken.namespace,
                options: ListOptions(fieldSelector: "type=\(BootstrapToken.secretType)"))
            let now = Timestamp(secondsSinceEpoch: SystemClock.secondsSinceEpoch)
            for line in TokenTable.lines(secrets.items, now: now) { Terminal.line(line) }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove tokens.", discussion: "Machines that have joined by one keep their certificates.")

        @Argument(help: ArgumentHelp("The tokens, or their ids.", valueName: "id"))
        var tokens: [String]

        @OptionGroup(title: "API server")
        var client: ClientOptions

        func validate() throws {
            for token in tokens where Self.id(token) == nil {
                throw ValidationError("\"\(token)\" is neither a token nor the id of one")
            }
        }

        func run() async throws {
            let client = try APIClient(try client.configuration(userAgent: "token"))
            for id in tokens.compactMap({ Self.id($0) }) {
                do {
                    try await client.delete(
                        Secret.self, BootstrapToken.secretName(id: id), namespace: BootstrapToken.namespace)
                } catch let status as Status where status.isNotFound {
                    throw CleanExitError("there is no token \(id)")
                }
                Terminal.line("token \(id) is removed")
            }
        }

        private static func id(_ text: String) -> String? {
            BootstrapToken(text)?.id ?? (BootstrapToken.isID(text) ? text : nil)
        }
    }
}
