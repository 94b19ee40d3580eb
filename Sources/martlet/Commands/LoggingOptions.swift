import ArgumentParser
import Logging

/// How much a process writes to its log (standard error).
struct LoggingOptions: ParsableArguments {
    @Option(name: .customLong("v"), help: "How much to log: 0 what matters, 2 what is done, 4 every detail.")
    var verbosity = 0

    func validate() throws {
        guard (0...10).contains(verbosity) else { throw ValidationError("--v must be from 0 to 10") }
    }

    func bootstrap() -> Logger {
        let level: Logger.Level =
            switch verbosity {
            case ..<2: .info
            case 2..<4: .debug
            default: .trace
            }
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        return Logger(label: "martlet")
    }

    /// For the command line of a child.
    var arguments: [String] { ["--v", "\(verbosity)"] }
}
