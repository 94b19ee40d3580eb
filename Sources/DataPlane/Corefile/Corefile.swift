/// The configuration of a CoreDNS server as it is written (the format of a Caddyfile): server blocks with directives. What
/// they mean is another's to say. Pure.
package struct Corefile: Hashable, Sendable {
    /// One line with the block that it opens, if any.
    package struct Directive: Hashable, Sendable {
        package var line: Int
        /// The file that it stands in; nil for the Corefile itself.
        package var file: String?
        /// The name, then the arguments; at least one word.
        package var words: [String]
        package var block: [Directive] = []
        /// A variable of the environment stands in the line, which each node would read as something else.
        package var hasVariable = false

        package var name: String { words.first ?? "" }
        package var arguments: ArraySlice<String> { words.dropFirst() }
        package var place: Place { Place(line: line, file: file) }
    }

    package struct Server: Hashable, Sendable {
        package var line: Int
        package var file: String?
        /// Zones, as they are written: `.:53`, `dns://example.com`.
        package var addresses: [String]
        package var directives: [Directive]

        package var place: Place { Place(line: line, file: file) }
    }

    package struct Place: Hashable, Sendable, CustomStringConvertible {
        package var line: Int
        package var file: String?

        package var description: String { file.map { "\($0), line \(line)" } ?? "line \(line)" }
    }

    /// Why a text is no Corefile.
    package struct Failure: Error, Hashable, CustomStringConvertible {
        package var place: Place
        package var message: String

        package var description: String { "\(place): \(message)" }
    }

    /// The longest text that is read, in bytes, imported ones included; and the most words after snippets are put in.
    static let sizeLimit = 1 << 20
    static let wordLimit = 100_000
    static let depthLimit = 8

    package internal(set) var servers: [Server] = []

    /// Reads a text.
    ///
    /// Snippets (`(name) { … }`) and files are put in where `import` names them, with a snippet's `{args[0]}` and its like
    /// replaced.
    ///
    /// - Parameter files: what `import` and directives may name, by path; `*` in an import stands for any part of a name.
    package init(_ text: String, files: [String: String] = [:]) throws(Failure) {
        // The text is one of its ConfigMap's keys.
        let size = files.values.reduce(files.values.contains(text) ? 0 : text.utf8.count) { $0 + $1.utf8.count }
        guard size <= Self.sizeLimit else {
            throw Failure(place: Place(line: 1), message: "it is longer than \(Self.sizeLimit) bytes")
        }
        var reader = CorefileReader(files: files)
        try reader.readServers(CorefileWords.split(text, file: nil), depth: 0)
        servers = reader.servers
        guard !servers.isEmpty else { throw Failure(place: Place(line: 1), message: "there is no server block in it") }
    }
}
