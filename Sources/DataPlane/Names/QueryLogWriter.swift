import DNS
import NetworkTypes

/// The log of DNS queries in a file.
final class QueryLogWriter: QueryLog {
    let file: LineFile

    /// - Parameter path: `-` for standard output.
    init(path: String) throws(DataPlaneError) { file = try LineFile(path: path, name: "log of queries") }

    func record(
        _ query: Span<UInt8>, from client: SocketAddress, isStream: Bool, answer: Span<UInt8>, nanoseconds: UInt64
    ) {
        var line: [UInt8] = []
        QueryLogLine.append(
            query, from: client, isStream: isStream, answer: answer, nanoseconds: nanoseconds, to: &line)
        // Under the lock that all loops share there is a copy and nothing else.
        if !line.isEmpty { file.append(atMost: line.count) { $0 += line } }
    }
}
