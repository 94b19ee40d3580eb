import ArgumentParser
import Glibc
import System
import Transport

@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet", abstract: "Kubernetes traffic management without the cluster.",
        version: ProgramVersion.current,
        subcommands: [
            UpCommand.self, JoinCommand.self, TokenCommand.self, RegisterCommand.self, APIServerCommand.self,
            ControllerCommand.self, DataPlaneCommand.self, DNSCommand.self, AnnounceCommand.self, EchoCommand.self,
        ])

    static func main() async {
        // Before anything is sized by it.
        DescriptorLimit.raise()
        SupervisedChild.bindToSupervisor()
        do {
            var command = try confined()
            ProcessSignals.install()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error where isUsage(error) {
            exit(withError: error)
        } catch {
            // One clear line: what went wrong, not how the program is built.
            Terminal.error("\(error)")
            Glibc.exit(EXIT_FAILURE)
        }
    }

    /// The command that was asked for, in a process that keeps only the privileges which that needs. Capabilities are a
    /// thread's: there is one alone as yet, and those that it starts have no more than it has. Read twice, since a command
    /// that was looked at from here could not be handed to another thread.
    private static func confined() throws -> sending any ParsableCommand {
        if let role = (try parseAsRoot() as? any ConfinedCommand)?.role { try role.confine() }
        return try parseAsRoot()
    }

    /// Errors that the argument parser explains itself, help and version among them, and those that say nothing.
    private static func isUsage(_ error: any Error) -> Bool {
        exitCode(for: error) != .failure || error is ValidationError || error is ExitCode
    }
}
