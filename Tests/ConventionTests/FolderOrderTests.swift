import Foundation
import Testing

/// Inside a target the folders have an order too: one speaks of the types of those before it, never of those behind it.
struct FolderOrderTests {
    /// Target → its folders, the lowest first; "" are the files beside them.
    static let orders: [String: [String]] = [
        "Transport": [
            "", "EventLoop", "Sockets", "TLS", "Listening", "HTTP", "HTTP1", "Server", "WebSocket", "Client",
        ]
    ]

    private struct File {
        let name: String
        let folder: String
        let code: String
    }

    @Test(arguments: orders.keys.sorted())
    func `a folder names only types of the folders before it`(target: String) throws {
        let order = try #require(Self.orders[target])
        let files = try Sources.swiftFiles(below: "Sources/\(target)").map { file in
            let path = try #require(file.path.split(separator: "\(target)/", maxSplits: 1).last)
            let parts = path.split(separator: "/")
            return File(
                name: String(path), folder: parts.count > 1 ? String(parts[0]) : "",
                code: file.lines.map { String($0.prefix(upTo: $0.firstRange(of: "//")?.lowerBound ?? $0.endIndex)) }
                    .joined(separator: "\n"))
        }
        var owners: [Substring: Int] = [:]
        for file in files {
            let position = try #require(order.firstIndex(of: file.folder), "\(file.folder) has no place in the order")
            // Types of a file's own, which begin their line.
            let declaration = #/(?m)^(?:package |public |final )*(?:class|struct|enum|protocol) (\w+)/#
            for match in file.code.matches(of: declaration) {
                owners[match.output.1] = position
            }
        }
        #expect(owners.count > order.count)
        for file in files {
            let position = try #require(order.firstIndex(of: file.folder))
            for match in file.code.matches(of: #/\b[A-Z]\w+/#) {
                guard let owner = owners[match.output] else { continue }
                #expect(owner <= position, "\(file.name) speaks of \(match.output), which lies in \(order[owner])")
            }
        }
    }
}
