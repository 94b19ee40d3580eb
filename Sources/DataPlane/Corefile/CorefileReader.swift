/// Puts the lines of a Corefile together to server blocks.
struct CorefileReader {
    typealias Failure = Corefile.Failure
    typealias Line = CorefileWords.Line

    let files: [String: String]
    private(set) var servers: [Corefile.Server] = []
    private var snippets: [String: [Line]] = [:]
    private var wordCount = 0

    init(files: [String: String]) { self.files = files }

    /// Lines that are read one behind the other.
    private struct Cursor {
        var lines: ArraySlice<Line>

        mutating func next() -> Line? { lines.popFirst() }
    }

    mutating func readServers(_ lines: [Line], depth: Int) throws(Failure) {
        var cursor = Cursor(lines: lines[...])
        while let line = cursor.next() {
            if line.words[0].text == "import" {
                for file in try imported(line, depth) { try readServers(file, depth: depth + 1) }
                continue
            }
            guard !line.words.contains(where: \.closes) else {
                throw Failure(place: line.place, message: "a closing brace without a block")
            }
            var names = line.words
            // Zones go on behind a comma.
            while names.last?.opens != true, names.last?.text.hasSuffix(",") == true, let more = cursor.next() {
                names += more.words
            }
            guard names.last?.opens == true else {
                // A single server may do without braces.
                guard servers.isEmpty, snippets.isEmpty, depth == 0 else {
                    throw Failure(place: line.place, message: "a server block begins with its zones and {")
                }
                let directives = try directives(Array(cursor.lines), depth: depth)
                servers.append(
                    Corefile.Server(
                        line: line.number, file: line.file, addresses: Self.zones(names), directives: directives))
                return
            }
            names.removeLast()
            let zones = Self.zones(names)
            guard let first = zones.first else {
                throw Failure(place: line.place, message: "a server block has no zones")
            }
            let body = try Self.body(&cursor, openedBy: line)
            if first.hasPrefix("("), first.hasSuffix(")") {
                let name = String(first.dropFirst().dropLast())
                guard zones.count == 1, snippets[name] == nil else {
                    throw Failure(place: line.place, message: "the snippet \(first) is there already, or has two names")
                }
                snippets[name] = body
            } else {
                servers.append(
                    Corefile.Server(
                        line: line.number, file: line.file, addresses: zones,
                        directives: try directives(body, depth: depth)))
            }
        }
    }

    private static func zones(_ words: [CorefileWords.Word]) -> [String] {
        words.flatMap { $0.text.split(separator: ",").map(String.init) }
    }

    /// The lines up to the brace that ends the block, without it.
    private static func body(_ cursor: inout Cursor, openedBy line: Line) throws(Failure) -> [Line] {
        var lines: [Line] = []
        var depth = 1
        while let line = cursor.next() {
            if line.words.count == 1, line.words[0].closes {
                depth -= 1
                if depth == 0 { return lines }
            } else if line.words.contains(where: \.closes) {
                throw Failure(place: line.place, message: "a closing brace stands alone on its line")
            } else if line.words.dropLast().contains(where: \.opens) {
                throw Failure(place: line.place, message: "an opening brace ends its line")
            } else if line.words.last?.opens == true {
                guard line.words.count > 1 else {
                    throw Failure(place: line.place, message: "a brace without a directive")
                }
                depth += 1
            }
            lines.append(line)
        }
        throw Failure(place: line.place, message: "the block that begins here does not end")
    }

    private mutating func directives(_ lines: [Line], depth: Int) throws(Failure) -> [Corefile.Directive] {
        guard depth < Corefile.depthLimit, let first = lines.first else {
            guard let first = lines.first else { return [] }
            throw Failure(place: first.place, message: "blocks or imports are nested too deep")
        }
        var result: [Corefile.Directive] = []
        var cursor = Cursor(lines: lines[...])
        while let line = cursor.next() {
            wordCount += line.words.count
            guard wordCount <= Corefile.wordLimit else {
                throw Failure(place: first.place, message: "with what is imported it is too long")
            }
            if line.words[0].text == "import", line.words.last?.opens != true {
                for file in try imported(line, depth) { result += try directives(file, depth: depth + 1) }
                continue
            }
            var words = line.words
            guard words.last?.opens == true else {
                if words.contains(where: { $0.opens || $0.closes }) {
                    throw Failure(place: line.place, message: "a brace ends its line, or stands alone")
                }
                result.append(
                    Corefile.Directive(
                        line: line.number, file: line.file, words: words.map(\.text),
                        hasVariable: words.contains(where: \.hasVariable)))
                continue
            }
            words.removeLast()
            let body = try Self.body(&cursor, openedBy: line)
            result.append(
                Corefile.Directive(
                    line: line.number, file: line.file, words: words.map(\.text),
                    block: try directives(body, depth: depth + 1), hasVariable: words.contains(where: \.hasVariable)))
        }
        return result
    }

    // MARK: Imports

    /// The lines that stand in for an `import`, by snippet or file.
    private func imported(_ line: Line, _ depth: Int) throws(Failure) -> [[Line]] {
        guard line.words.count >= 2 else { throw Failure(place: line.place, message: "import: what?") }
        guard depth < Corefile.depthLimit else {
            throw Failure(place: line.place, message: "blocks or imports are nested too deep")
        }
        let name = line.words[1].text
        let arguments = line.words.dropFirst(2).map(\.text)
        if let snippet = snippets[name] {
            // Its lines may name it again.
            return [snippet.map { Self.fill($0, arguments) }]
        }
        if name.contains("*") {
            // None is no mistake: what may be added need not be there.
            let paths = files.keys.filter { Self.matches($0[...], name[...]) }.sorted()
            return try paths.map { path throws(Failure) in try CorefileWords.split(files[path] ?? "", file: path) }
        }
        guard let text = files[name] else {
            throw Failure(place: line.place, message: "import: there is neither a snippet nor a file \(name)")
        }
        return [try CorefileWords.split(text, file: name)]
    }

    private static func fill(_ line: Line, _ arguments: [String]) -> Line {
        var line = line
        for index in line.words.indices where line.words[index].text.contains("{args") {
            for (number, argument) in arguments.enumerated() {
                for spelling in ["{args[\(number)]}", "{args.\(number)}"] {
                    line.words[index].text = line.words[index].text.split(
                        separator: spelling, omittingEmptySubsequences: false
                    ).joined(separator: argument)
                }
            }
        }
        return line
    }

    /// Whether a path matches a pattern with `*`, which stands for anything but a slash.
    static func matches(_ path: Substring, _ pattern: Substring) -> Bool {
        guard let star = pattern.firstIndex(of: "*") else { return path == pattern }
        let head = pattern[..<star]
        guard path.hasPrefix(head) else { return false }
        let rest = pattern[pattern.index(after: star)...]
        var left = path.dropFirst(head.count)
        while true {
            if matches(left, rest) { return true }
            guard let next = left.first, next != "/" else { return false }
            left = left.dropFirst()
        }
    }
}
